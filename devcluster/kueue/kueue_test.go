package kueue

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

//go:embed testdata/queue.yaml
var queue string

// TestKueue_QueuesInLabelledNamespacesAlone: in a namespace with the label of a queue, which has 2 CPUs, a second pod of 2 CPUs waits
// until the first is gone, also over a restart of Kueue. In another namespace the same pods just run.
func TestKueue_QueuesInLabelledNamespacesAlone(t *testing.T) {
	if os.Getenv(Enabled) == "" {
		t.Skip("make test-kueue builds Kueue and runs this")
	}
	ctrl.SetLogger(logr.Discard())
	cluster, err := devcluster.Start(t.Context(), devcluster.Options{Progress: t.Output(), Nodes: 1})
	clustertest.Must(t, err)
	t.Cleanup(cluster.Stop)
	k, err := Install(t.Context(), cluster.Config(), t.TempDir())
	clustertest.Must(t, err)
	clustertest.Must(t, k.Start(t.Context()))
	t.Cleanup(k.Stop)

	c := clustertest.Client(t, cluster.Config())
	createNamespace(t, c, "team", map[string]string{v1alpha1.LabelQueue: "default"})
	createNamespace(t, c, "elsewhere", nil)
	clustertest.Must(t, deploy.Apply(t.Context(), cluster.Config(), parse(t, queue)))
	for _, name := range []string{"first", "second"} {
		createPod(t, c, "elsewhere", name)
		await(t, c, "elsewhere", name, runs)
	}
	createPod(t, c, "team", "first")
	await(t, c, "team", "first", runs)
	createPod(t, c, "team", "second")
	awaitRefusal(t, c)

	k.Stop()
	clustertest.Must(t, k.Start(t.Context()))
	clustertest.Must(t, c.Delete(t.Context(), newPod("team", "first")))
	await(t, c, "team", "second", runs)
}

func runs(p *corev1.Pod) bool { return p.Status.Phase == corev1.PodRunning }

func createNamespace(t *testing.T, c client.Client, name string, labels map[string]string) {
	t.Helper()
	clustertest.Must(t, c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}))
}

func newPod(namespace, name string) *corev1.Pod {
	size := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2")}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"kueue.x-k8s.io/queue-name": "default"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "c", Image: "company.com/c", Resources: corev1.ResourceRequirements{Requests: size},
		}}},
	}
}

// createPod first waits until the namespace has its ServiceAccount.
func createPod(t *testing.T, c client.Client, namespace, name string) {
	t.Helper()
	clustertest.Eventually(t, func(ctx context.Context) error { return c.Create(ctx, newPod(namespace, name)) })
}

func await(t *testing.T, c client.Client, namespace, name string, is func(*corev1.Pod) bool) {
	t.Helper()
	clustertest.Eventually(t, func(ctx context.Context) error {
		var pod corev1.Pod
		err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &pod)
		if err == nil && !is(&pod) {
			err = fmt.Errorf("%s/%s has gates %v and %+v", namespace, name, pod.Spec.SchedulingGates, pod.Status)
		}
		return err
	})
}

// awaitRefusal waits until Kueue reports that its quota has no room for a pod in the namespace team.
func awaitRefusal(t *testing.T, c client.Client) {
	t.Helper()
	clustertest.Eventually(t, func(ctx context.Context) error {
		workloads := &unstructured.UnstructuredList{}
		workloads.SetAPIVersion("kueue.x-k8s.io/v1beta2")
		workloads.SetKind("WorkloadList")
		if err := c.List(ctx, workloads, client.InNamespace("team")); err != nil {
			return err
		}
		for i := range workloads.Items {
			if text := fmt.Sprint(workloads.Items[i].Object["status"]); strings.Contains(text, "insufficient unused quota") {
				return nil
			}
		}
		return fmt.Errorf("no Workload of %d lacks quota", len(workloads.Items))
	})
}

func parse(t *testing.T, text string) (objects []*unstructured.Unstructured) {
	t.Helper()
	for document := range strings.SplitSeq(text, "---\n") {
		o := &unstructured.Unstructured{}
		clustertest.Must(t, yaml.UnmarshalStrict([]byte(document), &o.Object))
		objects = append(objects, o)
	}
	return objects
}
