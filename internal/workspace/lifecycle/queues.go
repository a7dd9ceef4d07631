package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

// kueueTimeout is how long Kueue may take to report the state of a queue, until a person is asked to look.
const kueueTimeout = 2 * time.Minute

// A queue that goes must never leave pods without a bound. So at each moment either the ResourceQuota bounds what pods request, or
// a queue of which Kueue has reported, in a namespace where the policies for tenants refuse what bypasses it:
//
//   - observeQueue reads from the caches whether the queue is live. If it is not, the quota step writes the whole quota first.
//   - Then syncQueue makes the queue, or removes it. Its event causes another Reconcile, which finds it live.
//   - Only then the namespace is labelled, and after that the ResourceQuota leaves out what the queue bounds.

// wantsQueue reports whether the tier has a queue.
func (t *target) wantsQueue() bool { return t.tier != nil && t.tier.Spec.Queue != nil }

// observeQueue notes in the plans of existing namespaces whether a queue governs them.
func (c *Controller) observeQueue(ctx context.Context, t *target) error {
	governed := t.wantsQueue() || t.tier == nil && len(t.queueLabelled) > 0 // without a tier, what exists stays
	if governed {
		c.Queues.AwaitFirst(ctx)
	}
	governed = governed && c.Queues.Served()
	for _, p := range t.ready {
		p.QueueLabel = t.queueLabelled[p]
		if !governed {
			continue
		}
		live, err := c.isLive(ctx, t, p)
		if err != nil {
			return err
		}
		p.QueueLive, p.QueueLabel = live, p.QueueLabel || live
	}
	return nil
}

// isLive reports whether the caches show the queue of the plan's namespace, and Kueue has reported its state: what does not exist, is being
// deleted, or is another ClusterQueue's bounds nothing. Of a workspace without a tier it is the queue that exists.
func (c *Controller) isLive(ctx context.Context, t *target, p *desired.Plan) (bool, error) {
	local, err := c.reportedQueue(ctx, &kueue.LocalQueue{ObjectMeta: metav1.ObjectMeta{
		Namespace: p.Namespace.Name, Name: kueue.DefaultQueue,
	}})
	if err != nil || local == nil {
		return false, err
	}
	name := local.(*kueue.LocalQueue).Spec.ClusterQueue
	switch {
	case t.tier != nil && name != p.ClusterQueueName():
		return false, nil
	case name != desired.ClusterQueueName(t.workspace.Name):
		return true, nil // a shared one: the platform team's
	}
	own, err := c.reportedQueue(ctx, &kueue.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: name}})
	return own != nil && k8s.WorkspaceOf(own) == t.workspace.Name, err
}

// reportedQueue is the cached queue if Kueue has reported its state, and nobody deletes it.
func (c *Controller) reportedQueue(ctx context.Context, want client.Object) (client.Object, error) {
	have, err := c.cachedQueue(ctx, want)
	if err != nil || have == nil || !have.GetDeletionTimestamp().IsZero() || activeCondition(have) == nil {
		return nil, err
	}
	return have, nil
}

// cachedQueue is the queue of the same kind and name in the cache, or nil.
func (c *Controller) cachedQueue(ctx context.Context, want client.Object) (client.Object, error) {
	var have client.Object = &kueue.LocalQueue{}
	if _, isClusterQueue := want.(*kueue.ClusterQueue); isClusterQueue {
		have = &kueue.ClusterQueue{}
	}
	err := c.Applier.Get(ctx, client.ObjectKeyFromObject(want), have)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil //nolint:nilnil // none is an answer
	case err != nil:
		return nil, fmt.Errorf("reading the queue %q: %w", client.ObjectKeyFromObject(want), err)
	}
	return have, nil
}

// activeCondition is nil if Kueue has not reported it, or if there is no queue.
func activeCondition(queue client.Object) *metav1.Condition {
	return meta.FindStatusCondition(kueue.StatusOf(queue).Conditions, kueue.ConditionActive)
}

// limits syncs the quota, and then the queue: a queue is removed only when the ResourceQuotas bound everything again.
func (c *Controller) limits(ctx context.Context, t *target) outcome {
	quota := c.quota(ctx, t)
	t.queue = c.queues(ctx, t)
	return quota
}

// queues is the step of the queue. It has no condition if the tier has none.
func (c *Controller) queues(ctx context.Context, t *target) []outcome {
	const condition = v1alpha1.ConditionQueueReady
	switch {
	case t.tier == nil && meta.FindStatusCondition(t.workspace.Status.Conditions, condition) != nil:
		return []outcome{t.tierOutcome(condition)} // what the tier wants is unknown: what exists stays
	case t.tier == nil:
		return nil
	case !c.Queues.Served() && (!t.wantsQueue() || t.workspace.Spec.State == v1alpha1.StateDeleted):
		return append(c.unlabel(ctx, t), without(condition))
	case c.Queues == nil:
		return append(c.unlabel(ctx, t), waiting(condition, v1alpha1.ReasonQueuesDisabled, queuesDisabled))
	case !c.Queues.Served():
		return append(c.unlabel(ctx, t), waiting(condition, v1alpha1.ReasonKueueNotInstalled, kueueNotInstalled))
	}
	if err := c.syncQueue(ctx, t); err != nil {
		return []outcome{c.queueFailure(err)}
	}
	if !t.wantsQueue() {
		return append(c.unlabel(ctx, t), without(condition))
	}
	return []outcome{t.missing(condition).or(c.queueReady(ctx, t))}
}

// queueFailure is the outcome of an error of syncQueue.
func (c *Controller) queueFailure(err error) outcome {
	const condition = v1alpha1.ConditionQueueReady
	switch {
	case k8s.IsNotServed(err):
		c.Queues.Missing()
		return waitFor(condition, v1alpha1.ReasonKueueNotInstalled, kueueNotInstalled, firstRetry)
	case errors.Is(err, errNotEnforced):
		return awaitingQuota()
	}
	return failed(condition, err)
}

const (
	queuesDisabled = "the tier has a queue, and the service has no rights on queues: set queues.enabled in the chart's values; until then " +
		"the quota refuses pods above it"
	kueueNotInstalled = "the tier has a queue, and the cluster does not serve kueue.x-k8s.io/v1beta2: install Kueue v0.15 or later; until " +
		"then the quota refuses pods above it"
)

// syncQueue makes the queue as desired. Nothing is removed while the API server does not enforce the ResourceQuotas as desired.
func (c *Controller) syncQueue(ctx context.Context, t *target) error {
	own := desired.ClusterQueue(t.plans)
	if own != nil {
		if err := c.Applier.Apply(ctx, own); err != nil {
			return err
		}
	}
	if !t.quotasApplied {
		return nil
	}
	obsolete, err := c.hasObsoleteQueue(ctx, t)
	if err == nil && obsolete {
		err = c.awaitEnforcement(ctx, t)
	}
	if err != nil {
		return err
	}
	errs := inEach(t.ready, func(p *desired.Plan) error { return c.sync(ctx, p, p.LocalQueue()) })
	if err := cmp.Or(errs...); err != nil || own != nil {
		return err
	}
	return c.removeClusterQueue(ctx, t.workspace.Name)
}

// queueReady is what Kueue says of the queue. In a locked workspace it is held.
func (c *Controller) queueReady(ctx context.Context, t *target) outcome {
	const condition = v1alpha1.ConditionQueueReady
	for _, want := range t.queueObjects() {
		if o := c.reported(ctx, t, want); !o.done {
			return o
		}
	}
	if t.workspace.Spec.State != v1alpha1.StateActive {
		return done(condition, v1alpha1.ReasonQueueHeld, "the queue admits nothing new; running pods finish")
	}
	for _, p := range t.ready {
		if !p.QueueLive { // Kueue has reported since the ResourceQuota was written
			return waitFor(condition, v1alpha1.ReasonWaitingForKueue,
				fmt.Sprintf("the ResourceQuota of namespace %q still has amounts of the queue: wait some seconds", p.Namespace.Name), firstRetry)
		}
	}
	return done(condition, v1alpha1.ReasonApplied, "")
}

// queueObjects are the queues as they should be: the workspace's own ClusterQueue, if it has one, and the LocalQueues.
func (t *target) queueObjects() (all []client.Object) {
	if own := desired.ClusterQueue(t.plans); own != nil {
		all = append(all, own)
	}
	for _, p := range t.ready {
		all = append(all, p.LocalQueue().Objects...)
	}
	return all
}

// reported is what Kueue says of one queue, as it is now.
func (c *Controller) reported(ctx context.Context, t *target, want client.Object) outcome {
	const condition = v1alpha1.ConditionQueueReady
	have, err := c.cachedQueue(ctx, want)
	if err != nil {
		return failed(condition, err)
	}
	name := fmt.Sprintf("%s %q", k8s.KindName(want), want.GetName())
	active := activeCondition(have)
	switch {
	case active == nil || active.ObservedGeneration < have.GetGeneration():
		return c.awaitKueue(t, name, have)
	case active.Status == metav1.ConditionTrue || t.workspace.Spec.State != v1alpha1.StateActive:
		return done(condition, v1alpha1.ReasonApplied, "")
	}
	message := bounded(fmt.Sprintf("Kueue says of the %s: %s", name, active.Message))
	if slices.Contains(v1alpha1.QueueReasons(), active.Reason) {
		return waiting(condition, active.Reason, message)
	}
	return waiting(condition, v1alpha1.ReasonQueueInactive, message)
}

// awaitKueue waits for Kueue to report, and calls for a person if that takes too long.
func (c *Controller) awaitKueue(t *target, name string, have client.Object) outcome {
	const condition = v1alpha1.ConditionQueueReady
	since := c.Now()
	if known := meta.FindStatusCondition(t.workspace.Status.Conditions, condition); known != nil && known.Status == metav1.ConditionFalse {
		since = known.LastTransitionTime.Time
		if have != nil {
			since = later(since, have.GetCreationTimestamp().Time)
		}
	}
	if wait := kueueTimeout - c.Now().Sub(since); wait > 0 {
		o := waiting(condition, v1alpha1.ReasonWaitingForKueue, "Kueue has not reported the state of the "+name+" yet")
		o.after = wait
		return o
	}
	return waiting(condition, v1alpha1.ReasonKueueNotResponding,
		"Kueue has not reported the state of the "+name+" for two minutes: check that kueue-controller-manager runs")
}
