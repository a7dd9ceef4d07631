package kueue

import (
	"context"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/flytepods"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// The domains of Flyte.
const (
	development = "development"
	staging     = "staging"
	production  = "production"
)

const (
	queueLabel   = "kueue.x-k8s.io/queue-name"
	defaultQueue = "default"
)

// early is a workspace that has been there since before Kueue.
const early = "early"

var kueueInstalled sync.Mutex

// environment is the shared one, with Kueue. The first call creates the workspace early, and then installs Kueue.
func environment(t *testing.T) *harness.Env {
	t.Helper()
	kueueInstalled.Lock()
	defer kueueInstalled.Unlock()
	env := shared.Env()
	if env.Kueue != nil {
		return env
	}
	queuedTier(t, early, func(*v1alpha1.TierQueue) {})
	env.DeliverOnTier(t, data(early, "4"), early)
	awaitQueue(t, early, v1alpha1.ReasonKueueNotInstalled)
	if err := env.StartKueue(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	flavor := &unstructured.Unstructured{}
	flavor.SetAPIVersion("kueue.x-k8s.io/v1beta2")
	flavor.SetKind("ResourceFlavor")
	flavor.SetName("default-flavor")
	harness.Must(t, env.Admin.Create(t.Context(), flavor))
	return env
}

// queuedTier creates a tier whose workspaces have a queue of their own, and one quota for their three namespaces.
func queuedTier(t *testing.T, name string, edit func(*v1alpha1.TierQueue)) {
	t.Helper()
	shared.Env().Tier(t, name, func(spec *v1alpha1.WorkspaceTierSpec) {
		harness.OwnQueue(spec)
		spec.QuotaScope = v1alpha1.QuotaScopeWorkspace
		edit(spec.Queue)
	})
}

func data(id, cpu string) workspace.Data {
	d := harness.Data(id, 1)
	d.Quota = v1alpha1.Quota{CPU: v1alpha1.Quantity(cpu), Memory: "64Gi"}
	return d
}

// queued creates a workspace with that many cores on a tier of its own.
func queued(t *testing.T, id, cpu string, edit func(*v1alpha1.TierQueue)) {
	t.Helper()
	env := environment(t)
	t.Cleanup(func() { logWorkloads(t, id) })
	queuedTier(t, id, edit)
	env.CreateOnTier(t, data(id, cpu), id)
	awaitQuota(t, id)
}

// awaitQuota checks that a Ready workspace has no quota of cores beside its queue, and waits until Kubernetes has noticed.
func awaitQuota(t *testing.T, id string) {
	t.Helper()
	for _, domain := range []string{development, staging, production} {
		key := client.ObjectKey{Namespace: "flyte-" + id + "-" + domain, Name: "workspace-quota"}
		quota := harness.Get(t, shared.Env(), &corev1.ResourceQuota{}, key.Namespace, key.Name)
		if cores, bounded := quota.Spec.Hard[corev1.ResourceRequestsCPU]; bounded {
			t.Errorf("the workspace is Ready, and the ResourceQuota %s refuses what is above %s cores", key, cores.String())
		}
		harness.Eventually(t, "Kubernetes to have noticed the ResourceQuota "+key.String(), func(ctx context.Context) bool {
			err := shared.Env().Admin.Get(ctx, key, quota)
			return err == nil && equality.Semantic.DeepEqual(quota.Spec.Hard, quota.Status.Hard)
		})
	}
}

// awaitQueue waits until the condition QueueReady has this reason.
func awaitQueue(t *testing.T, id, reason string) {
	t.Helper()
	harness.Eventually(t, id+" to have a queue that is "+reason, func(ctx context.Context) bool {
		var w v1alpha1.Workspace
		err := shared.Env().Admin.Get(ctx, harness.Key(id), &w)
		c := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionQueueReady)
		return err == nil && c != nil && c.Reason == reason
	})
}

// task is the pod of a task of 2 cores, with the labels that Flyte puts on the pods of this project and domain.
func task(id, domain, name string) *corev1.Pod {
	pod := flytepods.Task(id+"-"+domain, name)
	pod.Labels["project"], pod.Labels["domain"] = id, domain
	attributes := shared.Env().Flyte.Attributes(id, admin.MatchableResource_WORKFLOW_EXECUTION_CONFIG)
	for _, where := range []string{"", domain} {
		maps.Copy(pod.Labels, attributes[where].GetWorkflowExecutionConfig().GetLabels().GetValues())
	}
	return pod
}

// start creates the pod of a task as Flyte does. It must not be refused.
func start(t *testing.T, id, domain, name string) *corev1.Pod {
	t.Helper()
	pod := task(id, domain, name)
	if err := shared.Env().Admin.Create(t.Context(), pod); err != nil {
		t.Fatalf("creating %s: %v", name, err)
	}
	return pod
}

// finish ends the pod of a task successfully.
func finish(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	var live corev1.Pod
	env := shared.Env()
	harness.Must(t, env.Admin.Get(t.Context(), client.ObjectKeyFromObject(pod), &live))
	before := live.DeepCopy()
	live.Status.Phase = corev1.PodSucceeded
	live.Status.Conditions = nil
	harness.Must(t, env.Admin.Status().Patch(t.Context(), &live, client.MergeFrom(before)))
}

func awaitRunning(t *testing.T, pods ...*corev1.Pod) {
	t.Helper()
	for _, pod := range pods {
		await(t, pod, "to run", func(p *corev1.Pod) bool { return p.Status.Phase == corev1.PodRunning })
	}
}

// awaitPending waits until Kueue has found no quota for the pod.
func awaitPending(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	await(t, pod, "to be gated", isGated)
	awaitPendingOwner(t, pod, "Pod")
}

func isGated(p *corev1.Pod) bool {
	return len(p.Spec.SchedulingGates) > 0 && p.Status.Phase == corev1.PodPending
}

// awaitPendingOwner waits until Kueue has found no quota for an object of this kind.
func awaitPendingOwner(t *testing.T, o client.Object, kind string) {
	t.Helper()
	harness.Eventually(t, "Kueue to find no quota for the "+kind+" "+o.GetName(), func(ctx context.Context) bool {
		w := workload(ctx, o, kind)
		return w != nil && strings.Contains(conditionOf(w, "QuotaReserved"), "insufficient")
	})
}

// logWorkloads says of a failed test what Kueue thought of the workspace's pods and Jobs.
func logWorkloads(t *testing.T, id string) {
	t.Helper()
	if !t.Failed() {
		return
	}
	ctx := context.WithoutCancel(t.Context())
	for _, domain := range []string{development, staging, production} {
		for _, w := range workloads(ctx, "flyte-"+id+"-"+domain) {
			conditions, _, _ := unstructured.NestedSlice(w.Object, "status", "conditions")
			t.Logf("%s/%s: %v", w.GetNamespace(), w.GetName(), conditions)
		}
	}
}

// workload is Kueue's Workload of an object.
func workload(ctx context.Context, o client.Object, kind string) *unstructured.Unstructured {
	for _, w := range workloads(ctx, o.GetNamespace()) {
		for _, owner := range w.GetOwnerReferences() {
			if owner.Kind == kind && owner.Name == o.GetName() {
				return &w
			}
		}
	}
	return nil
}

// workloads are those of a namespace; none if they can't be read now.
func workloads(ctx context.Context, namespace string) []unstructured.Unstructured {
	all := &unstructured.UnstructuredList{}
	all.SetAPIVersion("kueue.x-k8s.io/v1beta2")
	all.SetKind("WorkloadList")
	_ = shared.Env().Admin.List(ctx, all, client.InNamespace(namespace))
	return all.Items
}

func conditionOf(o *unstructured.Unstructured, kind string) string {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range conditions {
		if condition, ok := c.(map[string]any); ok && condition["type"] == kind {
			return condition["message"].(string)
		}
	}
	return ""
}

func await(t *testing.T, pod *corev1.Pod, what string, is func(*corev1.Pod) bool) {
	t.Helper()
	harness.Eventually(t, pod.Namespace+"/"+pod.Name+" "+what, func(ctx context.Context) bool {
		var live corev1.Pod
		return shared.Env().Admin.Get(ctx, client.ObjectKeyFromObject(pod), &live) == nil && is(&live)
	})
}
