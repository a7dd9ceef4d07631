package life

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
	"platform.company.com/workspace-flyte-integration/internal/kueue/kueuetest"
)

// lateKueue installs Kueue while the service runs.
var lateKueue sync.Once

// withKueue has Kueue's CRDs, and the double of its controllers until the test ends. The first time, a workspace is on a tier with a queue
// before: everything else is done, and its queue is made once Kueue is there.
func withKueue(t *testing.T) {
	t.Helper()
	env := shared.Env()
	lateKueue.Do(func() {
		env.Tier(t, "early-queue", harness.OwnQueue)
		env.DeliverOnTier(t, harness.Data("early-queued", 1), "early-queue")
		env.AwaitReason(t, "early-queued", v1alpha1.ReasonKueueNotInstalled)
		if got := governed(t, "flyte-early-queued"); got != "cpu by the quota" {
			t.Errorf("without Kueue: %s", got)
		}
		harness.Eventually(t, "the tier to say so", func(context.Context) bool {
			tier := harness.Get(t, env, &v1alpha1.WorkspaceTier{}, "", "early-queue")
			return strings.Contains(fmt.Sprint(tier.Status.Conditions), v1alpha1.ReasonKueueNotInstalled)
		})
		installKueue(t)
		uninstallKueue(t)
		kueuetest.Install(t, env.Cluster.Config())
	})
	kueuetest.Report(t, env.Cluster.Config())
	env.AwaitReason(t, "early-queued", v1alpha1.ReasonReady)
	awaitGoverned(t, "flyte-early-queued", "cpu by the queue default")
}

// installKueue installs Kueue. Until it reports the queue, that bounds nothing.
func installKueue(t *testing.T) {
	t.Helper()
	env := shared.Env()
	kueuetest.Install(t, env.Cluster.Config())
	env.AwaitReason(t, "early-queued", v1alpha1.ReasonWaitingForKueue)
	if got := governed(t, "flyte-early-queued"); got != "cpu by the quota" {
		t.Errorf("before Kueue has reported: %s", got)
	}
	t.Run("Kueue", func(t *testing.T) { // the double ends with it
		kueuetest.Report(t, env.Cluster.Config())
		env.AwaitReason(t, "early-queued", v1alpha1.ReasonReady)
		awaitGoverned(t, "flyte-early-queued", "cpu by the queue default")
	})
}

// uninstallKueue removes Kueue with all its queues. The ResourceQuota bounds everything again, and pods need no queue.
func uninstallKueue(t *testing.T) {
	t.Helper()
	env := shared.Env()
	for _, crd := range kueuetest.CRDs(t) {
		harness.Must(t, env.Admin.Delete(t.Context(), crd))
	}
	env.AwaitReason(t, "early-queued", v1alpha1.ReasonKueueNotInstalled)
	awaitGoverned(t, "flyte-early-queued", "cpu by the quota")
	for _, crd := range kueuetest.CRDs(t) {
		harness.Eventually(t, "the end of "+crd.GetName(), func(ctx context.Context) bool {
			return apierrors.IsNotFound(env.Admin.Get(ctx, client.ObjectKeyFromObject(crd), crd))
		})
	}
}

// governed says what bounds the cores of a namespace.
func governed(t *testing.T, namespace string) string {
	t.Helper()
	env := shared.Env()
	quota := harness.Get(t, env, &corev1.ResourceQuota{}, namespace, "workspace-quota")
	queue := harness.Get(t, env, &corev1.Namespace{}, "", namespace).Labels[v1alpha1.LabelQueue]
	if _, bounded := quota.Spec.Hard[corev1.ResourceRequestsCPU]; bounded {
		return strings.TrimSpace("cpu by the quota " + queue)
	}
	return "cpu by the queue " + queue
}

func awaitGoverned(t *testing.T, namespace, want string) {
	t.Helper()
	harness.Eventually(t, namespace+" to have "+want, func(context.Context) bool { return governed(t, namespace) == want })
}

// TestQueues takes workspaces on tiers with a queue through suspension, drift and the end of the queue.
func TestQueues(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	withKueue(t)
	env.Tier(t, "own-queue", harness.OwnQueue)
	env.Tier(t, "shared-queue", func(spec *v1alpha1.WorkspaceTierSpec) {
		harness.OwnQueue(spec)
		spec.Queue = &v1alpha1.TierQueue{Mode: v1alpha1.QueueShared, ClusterQueue: "pool"}
	})
	env.CreateOnTier(t, harness.Data("own-queued", 1), "own-queue")
	env.CreateOnTier(t, harness.Data("shared-queued", 1), "shared-queue")
	for _, id := range []string{"own-queued", "shared-queued"} {
		awaitGoverned(t, "flyte-"+id, "cpu by the queue default")
	}
	own := &kueue.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: "workspace-own-queued"}}
	local := &kueue.LocalQueue{ObjectMeta: metav1.ObjectMeta{Namespace: "flyte-shared-queued", Name: "default"}}
	readWaiting(t, own, local)
	repairQueue(t, own, func(q *kueue.ClusterQueue) { q.Spec.CohortName = "rich" }, func(q *kueue.ClusterQueue) bool {
		return q.Spec.CohortName == ""
	})
	repairQueue(t, local, func(q *kueue.LocalQueue) { q.Labels = nil }, func(q *kueue.LocalQueue) bool {
		return q.Labels[v1alpha1.LabelWorkspace] == "shared-queued"
	})
	env.ChangeTier(t, "own-queue", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Queue = nil })
	awaitGoverned(t, "flyte-own-queued", "cpu by the quota")
	local = &kueue.LocalQueue{ObjectMeta: metav1.ObjectMeta{Namespace: "flyte-own-queued", Name: "default"}}
	for _, queue := range []client.Object{own, local} {
		harness.Eventually(t, "the end of "+queue.GetName(), func(ctx context.Context) bool {
			return apierrors.IsNotFound(env.Admin.Get(ctx, client.ObjectKeyFromObject(queue), queue))
		})
	}
}

// repairQueue changes a queue as another client does, and waits until the service has restored it.
func repairQueue[T client.Object](t *testing.T, queue T, change func(T), isRestored func(T) bool) {
	t.Helper()
	env := shared.Env()
	harness.Eventually(t, "a change of "+queue.GetName(), func(ctx context.Context) bool { // the double writes its status meanwhile
		if err := env.Admin.Get(ctx, client.ObjectKeyFromObject(queue), queue); err != nil {
			return false
		}
		change(queue)
		return env.Admin.Update(ctx, queue) == nil
	})
	harness.Eventually(t, "the repair of "+queue.GetName(), func(ctx context.Context) bool {
		return env.Admin.Get(ctx, client.ObjectKeyFromObject(queue), queue) == nil && isRestored(queue)
	})
}

// readWaiting lets a workload wait in each queue, and reads that. There is no visibility API: nobody knows its place.
func readWaiting(t *testing.T, queues ...client.Object) {
	t.Helper()
	env := shared.Env()
	account := accountThatMay(t, "queue-reader", rbacv1.PolicyRule{
		APIGroups: []string{"platform.company.com"}, Resources: []string{"workspaces"}, Verbs: []string{"get"},
	})
	token := tokenOf(t, account)
	for _, queue := range queues {
		patch := client.RawPatch(client.Merge.Type(), []byte(`{"status": {"pendingWorkloads": 3}}`))
		harness.Must(t, env.Admin.Status().Patch(t.Context(), queue, patch))
		id := queue.GetLabels()[v1alpha1.LabelWorkspace]
		harness.Eventually(t, "the waiting workloads of "+id, func(context.Context) bool {
			status, body := read(t, token, "/workspaces/"+id)
			return status == http.StatusOK && strings.Contains(body, `"pending":3`) && !strings.Contains(body, `"waiting"`)
		})
	}
}
