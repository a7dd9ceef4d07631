package lifecycle

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

// enforcementInterval is how often ResourceQuotas are read until the API server enforces them. kube-controller-manager needs
// milliseconds, if it runs.
const enforcementInterval = time.Second

// errNotEnforced: a queue may not go yet.
var errNotEnforced = errors.New("the queue stays until the API server enforces the ResourceQuotas: check that kube-controller-manager " +
	"runs, which writes their status.hard")

// awaitingQuota is the outcome of [errNotEnforced].
func awaitingQuota() outcome {
	return waitFor(v1alpha1.ConditionQueueReady, v1alpha1.ReasonWaitingForQuota, errNotEnforced.Error(), enforcementInterval)
}

// hasObsoleteQueue reports whether the cache shows a queue of the workspace that is to be removed, or replaced by one of another
// ClusterQueue.
func (c *Controller) hasObsoleteQueue(ctx context.Context, t *target) (bool, error) {
	for _, p := range t.ready {
		have, err := c.cachedQueue(ctx, &kueue.LocalQueue{
			ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace.Name, Name: kueue.DefaultQueue},
		})
		if err != nil {
			return false, err
		}
		if have != nil && have.(*kueue.LocalQueue).Spec.ClusterQueue != p.ClusterQueueName() {
			return true, nil
		}
	}
	if desired.ClusterQueue(t.plans) != nil {
		return false, nil
	}
	have, err := c.ownClusterQueue(ctx, t.workspace.Name)
	return have != nil, err
}

// ownClusterQueue is the workspace's own ClusterQueue in the cache, or nil.
func (c *Controller) ownClusterQueue(ctx context.Context, id string) (client.Object, error) {
	have, err := c.cachedQueue(ctx, &kueue.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: desired.ClusterQueueName(id)}})
	if err != nil || have == nil || k8s.WorkspaceOf(have) != id || !have.GetDeletionTimestamp().IsZero() {
		return nil, err
	}
	return have, nil
}

// awaitEnforcement returns [errNotEnforced] until the API server enforces the ResourceQuotas as they are desired. It goes by their
// status.hard, to which kube-controller-manager copies spec.hard some time after a write.
func (c *Controller) awaitEnforcement(ctx context.Context, t *target) error {
	wanted := make([]*corev1.ResourceQuota, len(t.ready))
	for i, p := range t.ready {
		wanted[i] = p.Quota().Objects[0].(*corev1.ResourceQuota)
	}
	live, err := c.readQuotas(ctx, wanted)
	if err != nil {
		return err
	}
	for i, quota := range live {
		if quota == nil || !equality.Semantic.DeepEqual(quota.Status.Hard, wanted[i].Spec.Hard) {
			return errNotEnforced
		}
	}
	return nil
}

// removeClusterQueue deletes the workspace's own ClusterQueue, if the cache shows one.
func (c *Controller) removeClusterQueue(ctx context.Context, id string) error {
	c.Queues.AwaitFirst(ctx)
	if !c.Queues.Served() {
		return nil
	}
	have, err := c.ownClusterQueue(ctx, id)
	if err != nil || have == nil {
		return err
	}
	return c.Applier.DeleteClusterQueue(ctx, have.GetName(), id)
}

// unlabel removes the label of the queue from the namespaces, once the ResourceQuotas bound everything. The policies for tenants refuse
// every pod in a namespace with the label that Kueue does not gate.
func (c *Controller) unlabel(ctx context.Context, t *target) []outcome {
	if !t.quotasApplied || len(t.queueLabelled) == 0 {
		return nil
	}
	err := c.awaitEnforcement(ctx, t)
	if err == nil {
		err = c.removeQueueLabels(ctx, t)
	}
	switch {
	case errors.Is(err, errNotEnforced):
		return []outcome{awaitingQuota()}
	case err != nil:
		return []outcome{failed(v1alpha1.ConditionNamespaceReady, err)}
	}
	return nil
}

func (c *Controller) removeQueueLabels(ctx context.Context, t *target) error {
	return errors.Join(inEach(t.ready, func(p *desired.Plan) error {
		if !t.queueLabelled[p] {
			return nil
		}
		unlabelled := *p
		unlabelled.QueueLabel = false
		return c.Applier.ApplyExisting(ctx, unlabelled.NamespaceObject())
	})...)
}
