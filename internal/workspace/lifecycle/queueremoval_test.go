package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
)

// lateQuotas reads ResourceQuotas as if kube-controller-manager had not counted them yet, while late is set.
type lateQuotas struct {
	client.Reader

	late *atomic.Bool
}

func (l *lateQuotas) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	err := l.Reader.Get(ctx, key, o, opts...)
	if quota, ok := o.(*corev1.ResourceQuota); ok && l.late != nil && l.late.Load() {
		quota.Status.Hard = nil
	}
	return err
}

// The API server enforces a ResourceQuota once kube-controller-manager has counted it. Until then the queue stays, and the label.
func TestController_KeepsAQueueUntilTheQuotaIsEnforced(t *testing.T) {
	t.Parallel()
	for id, c := range map[string]struct {
		change func(*v1alpha1.WorkspaceTierSpec)
		bounds string
	}{
		"lateremoved": {func(spec *v1alpha1.WorkspaceTierSpec) { spec.Queue = nil }, bounded40 + " queue="},
		"latemoved":   {sharedQueue("pool"), " queue=default"},
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			late := &atomic.Bool{}
			env, queues := queueEnv(t, envOptions{late: late})
			env.provisionedOnTier(id, ownQueue)
			env.awaitBounds("flyte-"+id, " queue=default")
			late.Store(true)
			env.changeTier(id+"-tier", c.change)
			env.await(id, v1alpha1.ConditionQueueReady, v1alpha1.ReasonWaitingForQuota)
			env.reconcile(id)
			if got := env.bounds("flyte-" + id); got != bounded40+" queue=default" {
				t.Errorf("while the quota is not enforced, the namespace is bounded by %q", got)
			}
			local := &kueue.LocalQueue{}
			must(t, errors.Join(queues.Get(t.Context(), client.ObjectKey{Name: "workspace-" + id}, &kueue.ClusterQueue{}),
				queues.Get(t.Context(), client.ObjectKey{Namespace: "flyte-" + id, Name: "default"}, local)))
			if local.Spec.ClusterQueue != "workspace-"+id {
				t.Errorf("the LocalQueue is of %q", local.Spec.ClusterQueue)
			}
			late.Store(false)
			env.awaitBounds("flyte-"+id, c.bounds)
			eventually(t, func(ctx context.Context) error {
				return client.IgnoreNotFound(gone(queues.Get(ctx, client.ObjectKey{Name: "workspace-" + id}, &kueue.ClusterQueue{})))
			})
		})
	}
}

// gone is an error if an object was found.
func gone(err error) error {
	if err == nil {
		return errors.New("it exists")
	}
	return err
}

// If the tier is deleted, the queue that exists stays, and bounds the workspace. If the queue is deleted then, no pods start any more.
func TestController_KeepsTheQueueOfADeletedTier(t *testing.T) {
	t.Parallel()
	env, queues := queueEnv(t, envOptions{})
	for id, queue := range map[string]func(*v1alpha1.WorkspaceTierSpec){"tierlessown": ownQueue, "tierlessshared": sharedQueue("pool")} {
		env.provisionedOnTier(id, queue)
		env.awaitBounds("flyte-"+id, " queue=default")
		must(t, env.admin.Delete(t.Context(), tier(id+"-tier")))
		env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonTierNotFound)
		env.reconcileUntilDone(id)
		if bounds, pods := env.bounds("flyte-"+id), env.pods("flyte-"+id); bounds != " queue=default" || pods == "0" {
			t.Errorf("%s is bounded by %q, and %s pods", id, bounds, pods)
		}
		must(t, queues.Delete(t.Context(), &kueue.LocalQueue{ObjectMeta: metav1.ObjectMeta{Namespace: "flyte-" + id, Name: "default"}}))
		eventually(t, func(context.Context) error {
			if pods := env.pods("flyte-" + id); pods != "0" {
				return fmt.Errorf("without its queue, %s may have %s pods", id, pods)
			}
			return nil
		})
	}
}

// A ClusterQueue that a finalizer keeps is an object that terminates, and no namespace.
func TestController_WaitsForATerminatingClusterQueue(t *testing.T) {
	t.Parallel()
	env, queues := queueEnv(t, envOptions{})
	env.provisionedOnTier("endingqueue", ownQueue)
	own := &kueue.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: "workspace-endingqueue"}}
	finalizers := func(text string) client.Patch {
		return client.RawPatch(client.Merge.Type(), []byte(`{"metadata": {"finalizers": `+text+`}}`))
	}
	must(t, queues.Patch(t.Context(), own, finalizers(`["company.com/test"]`)))
	must(t, queues.Delete(t.Context(), own))
	env.await("endingqueue", v1alpha1.ConditionQueueReady, v1alpha1.ReasonObjectTerminating)
	must(t, queues.Patch(t.Context(), own, finalizers("null")))
	env.await("endingqueue", v1alpha1.ConditionQueueReady, v1alpha1.ReasonApplied)
}
