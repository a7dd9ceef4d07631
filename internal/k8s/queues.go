package k8s

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/kueue"
)

// Queues are the kinds of Kueue. They are cached once [Optional] has started their watches.
func Queues() []client.Object { return []client.Object{&kueue.ClusterQueue{}, &kueue.LocalQueue{}} }

// stripQueue is the transform of kinds that are not in [cache.Options.ByObject]: stripToIdentity that keeps what a queue is for, and what
// Kueue reports of it.
func stripQueue(o any) (any, error) {
	object, isObject := o.(client.Object)
	stripped, err := stripToIdentity(o)
	if err != nil || !isObject || cachedHash(object) != "" {
		return stripped, err
	}
	identity := stripped.(client.Object)
	identity.SetGeneration(object.GetGeneration())
	identity.SetCreationTimestamp(object.GetCreationTimestamp())
	switch queue := object.(type) {
	case *kueue.ClusterQueue:
		identity.(*kueue.ClusterQueue).Spec, identity.(*kueue.ClusterQueue).Status = queue.Spec, queue.Status
	case *kueue.LocalQueue:
		identity.(*kueue.LocalQueue).Spec, identity.(*kueue.LocalQueue).Status = queue.Spec, queue.Status
	}
	return identity, nil
}

// QueueChanged is [Changed] of a queue, or whether Kueue says something else of it. Kueue counts workloads in the status of queues at
// every change: that matters to readers alone.
func QueueChanged(before, after client.Object) bool {
	if Changed(before, after) {
		return true
	}
	was := meta.FindStatusCondition(kueue.StatusOf(before).Conditions, kueue.ConditionActive)
	is := meta.FindStatusCondition(kueue.StatusOf(after).Conditions, kueue.ConditionActive)
	if was == nil || is == nil {
		return was != is
	}
	return was.Status != is.Status || was.Reason != is.Reason || was.Message != is.Message ||
		was.ObservedGeneration != is.ObservedGeneration
}

// DeleteClusterQueue deletes the ClusterQueue of this name, unless it is not labelled with the workspace id. Kueue keeps it until
// nothing that it has admitted runs any more.
func (a *Applier) DeleteClusterQueue(ctx context.Context, name, id string) error {
	live := &kueue.ClusterQueue{}
	err := a.Live.Get(ctx, client.ObjectKey{Name: name}, live)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("reading ClusterQueue %q: %w", name, err)
	case WorkspaceOf(live) != id || !live.DeletionTimestamp.IsZero():
		return nil
	case !a.Allow(describe(live), pruned):
		return fmt.Errorf("removing %s: %w", describe(live), ErrThrottled)
	}
	uid, version := live.UID, live.ResourceVersion
	err = a.Client.Delete(ctx, live, client.Preconditions{UID: &uid, ResourceVersion: &version}, client.DisableReadYourWritesConsistency)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("removing %s: %w", describe(live), err)
	}
	a.desired.remove(describe(live))
	return nil
}
