package k8s

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/kubectl/pkg/cmd/exec"
	"k8s.io/kubectl/pkg/util/podutils"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// Exec implements [deploy.Executor] with kubectl's own code.
func (t *Target) Exec(ctx context.Context, o deploy.ExecOptions) error {
	pod, err := t.execPod(ctx, o.Instance)
	if err != nil {
		return err
	}
	options := exec.ExecOptions{
		StreamOptions: exec.StreamOptions{
			Namespace: t.o.Namespace, PodName: pod, ContainerName: serviceContainer, Stdin: o.Stdin, TTY: o.TTY, IOStreams: o.Streams,
		},
		Command: o.Command, Config: t.coreConfig(), PodClient: t.clientset.CoreV1(), Executor: &exec.DefaultRemoteExecutor{},
	}
	return options.Run()
}

// coreConfig is for requests of the core API, as kubectl's code expects it.
func (t *Target) coreConfig() *rest.Config {
	c := rest.CopyConfig(t.config)
	c.APIPath, c.GroupVersion, c.NegotiatedSerializer = "/api", &corev1.SchemeGroupVersion, scheme.Codecs.WithoutConversion()
	return c
}

// execPod is the named pod, or the first ready one.
func (t *Target) execPod(ctx context.Context, name string) (string, error) {
	if name != "" {
		return name, nil
	}
	d, err := t.deployment(ctx)
	if err != nil {
		return "", err
	}
	pods, err := t.pods(ctx, d)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(pods, func(p corev1.Pod) bool { return p.DeletionTimestamp == nil && podutils.IsPodReady(&p) })
	if i < 0 {
		return "", fmt.Errorf("no pod of Deployment %q is ready: `%s` says why", d.Name, t.command("status"))
	}
	return pods[i].Name, nil
}

// podMetricsList is the list of the metrics API.
var podMetricsList = schema.GroupVersionKind{Group: "metrics.k8s.io", Version: "v1beta1", Kind: "PodMetricsList"}

// Stats implements [deploy.Meter] by the metrics API.
func (t *Target) Stats(ctx context.Context) ([]deploy.Usage, error) {
	d, err := t.deployment(ctx)
	if err != nil {
		return nil, err
	}
	metrics, err := t.podMetrics(ctx, d)
	if err != nil {
		return nil, err
	}
	usages := []deploy.Usage{}
	for i := range metrics {
		usages = append(usages, usageOf(&metrics[i]))
	}
	return usages, nil
}

// podMetrics lists the metrics of the pods of a Deployment.
func (t *Target) podMetrics(ctx context.Context, d *appsv1.Deployment) ([]unstructured.Unstructured, error) {
	var list unstructured.UnstructuredList
	list.SetGroupVersionKind(podMetricsList)
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		return nil, err
	}
	err = t.client.List(ctx, &list, client.InNamespace(t.o.Namespace), client.MatchingLabelsSelector{Selector: selector})
	if meta.IsNoMatchError(err) || apierrors.IsNotFound(err) || apierrors.IsServiceUnavailable(err) {
		return nil, deploy.Failf(deploy.Unsupported, "the cluster has no metrics API: install metrics-server")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the metrics of pods: %w", err)
	}
	return list.Items, nil
}

// usageOf adds up the containers of a pod.
func usageOf(pod *unstructured.Unstructured) deploy.Usage {
	var cpu, memory resource.Quantity
	containers, _, _ := unstructured.NestedSlice(pod.Object, "containers")
	for _, c := range containers {
		container, _ := c.(map[string]any)
		usage, _, _ := unstructured.NestedStringMap(container, "usage")
		for name, sum := range map[string]*resource.Quantity{"cpu": &cpu, "memory": &memory} {
			if amount, err := resource.ParseQuantity(usage[name]); err == nil {
				sum.Add(amount)
			}
		}
	}
	return deploy.Usage{
		Name: pod.GetName(), CPU: strconv.FormatInt(cpu.MilliValue(), 10) + "m", Memory: strconv.FormatInt(memory.Value()>>20, 10) + "Mi",
	}
}
