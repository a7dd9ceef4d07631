package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// MinTombstoneTTL is how long the guard against mass deletion must be able to count what was purged.
const MinTombstoneTTL = purgeWindow

// Deletion says what happens to deleted workspaces.
type Deletion struct {
	Policy v1alpha1.DeletionPolicy
	// GracePeriod is the time between the deletion of a workspace and its purge.
	GracePeriod time.Duration
	// TombstoneTTL is how long the Workspace stays when its namespaces are gone.
	TombstoneTTL time.Duration
}

// deletion counts down to the purge of a deleted workspace, and cancels that of another one.
func (c *Controller) deletion(ctx context.Context, t *target) outcome {
	if t.workspace.Spec.State != v1alpha1.StateDeleted {
		return c.cancelDeletion(ctx, t)
	}
	before := t.workspace.Status.Deletion
	t.workspace.Status.Deletion = c.countdown(t)
	if equality.Semantic.DeepEqual(before, t.workspace.Status.Deletion) {
		return outcome{done: true} // beginPurge waits for the time, once it is recorded
	}
	return outcome{done: true, after: firstRetry}
}

// countdown is the desired deletion status. It restarts when the workspace gets another namespace, or when the policy
// becomes Delete; a longer grace period prolongs it, and nothing shortens it.
func (c *Controller) countdown(t *target) *v1alpha1.WorkspaceDeletion {
	now := metav1.NewTime(c.Now()).Rfc3339Copy()
	d := t.workspace.Status.Deletion.DeepCopy()
	if d == nil || d.PurgedAt != nil || d.StateVersion != t.workspace.Spec.StateVersion {
		d = &v1alpha1.WorkspaceDeletion{RequestedAt: now, StateVersion: t.workspace.Spec.StateVersion}
	}
	d.Policy = c.Deletion.Policy
	if d.Policy != v1alpha1.DeletionDelete {
		d.PurgeAt, d.Namespaces = nil, nil
		return d
	}
	at := metav1.NewTime(now.Add(c.Deletion.GracePeriod))
	if d.PurgeAt != nil && !hasMore(t.owned, d.Namespaces) {
		at = metav1.NewTime(later(d.PurgeAt.Time, d.RequestedAt.Add(c.Deletion.GracePeriod)))
	}
	d.PurgeAt, d.Namespaces = &at, t.owned
	return d
}

// hasMore reports whether one of have is not among known.
func hasMore(have, known []v1alpha1.NamespaceReference) bool {
	return slices.ContainsFunc(have, func(r v1alpha1.NamespaceReference) bool { return !slices.Contains(known, r) })
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// cancelDeletion ends the deletion of a workspace that is active or suspended again. A replica that was about to remove its
// namespaces, and slept meanwhile, fails, because they were written to.
func (c *Controller) cancelDeletion(ctx context.Context, t *target) outcome {
	d := t.workspace.Status.Deletion
	if d == nil {
		return outcome{done: true}
	}
	if err := c.touchNamespaces(ctx, t); err != nil {
		return failed(v1alpha1.ConditionNamespaceReady, err)
	}
	t.workspace.Status.Deletion = nil
	return outcome{done: true}
}

// touchNamespaces writes to the namespaces of a deletion that no longer removes them.
func (c *Controller) touchNamespaces(ctx context.Context, t *target) error {
	for _, ref := range t.workspace.Status.Deletion.Namespaces {
		if err := c.Applier.TouchNamespace(ctx, ref, t.workspace.Name, c.Now()); err != nil {
			return err
		}
	}
	return nil
}

// tombstone keeps the Workspace until TombstoneTTL, so that late events are recognised as stale, and until its project is archived.
func (c *Controller) tombstone(ctx context.Context, t *target) []outcome {
	w, d := t.workspace, t.workspace.Status.Deletion
	w.Status.Namespaces = nil
	expires := metav1.NewTime(later(d.ExpiresAt.Time, d.PurgedAt.Add(c.Deletion.TombstoneTTL)))
	d.ExpiresAt = &expires
	project := c.project(ctx, t)
	outcomes := append(allConditions(done, v1alpha1.ReasonPurged, purgedMessage), project)
	remaining := expires.Sub(c.Now())
	switch {
	case remaining > 0:
		outcomes = append(outcomes, outcome{done: true, after: remaining})
	case c.Deletion.Policy == v1alpha1.DeletionDelete && (project.done || project.reason == v1alpha1.ReasonConflict):
		outcomes = append(outcomes, c.deleteTombstone(ctx, w))
	}
	return outcomes
}

// deleteTombstone deletes the tombstone as it was read: not a Workspace that an event has been written to since.
func (c *Controller) deleteTombstone(ctx context.Context, w *v1alpha1.Workspace) outcome {
	uid, version := w.UID, w.ResourceVersion
	err := c.client.Delete(ctx, w.DeepCopy(), client.Preconditions{UID: &uid, ResourceVersion: &version})
	if client.IgnoreNotFound(err) != nil {
		return failed(v1alpha1.ConditionReady, fmt.Errorf("removing the tombstone: %w", err))
	}
	log.FromContext(ctx).Info("removed a tombstone", "resourceVersion", version)
	return outcome{done: true}
}

const purgedMessage = "its namespaces were removed"

// allConditions gives one outcome to the conditions of all that a workspace has in the cluster.
func allConditions(of func(condition, reason, message string) outcome, reason, message string) (all []outcome) {
	for _, condition := range v1alpha1.StepConditions() {
		switch condition {
		case v1alpha1.ConditionFlyteProjectRegistered:
		case v1alpha1.ConditionObjectsApplied, v1alpha1.ConditionQueueReady:
			all = append(all, without(condition))
		default:
			all = append(all, of(condition, reason, message))
		}
	}
	return all
}

// deletedMessage says of a deleted workspace what will be removed when.
func deletedMessage(d *v1alpha1.WorkspaceDeletion) string {
	const restores = "a newer workspace.created restores it"
	if d == nil || d.PurgeAt == nil {
		return "locked and archived; " + restores
	}
	return fmt.Sprintf("locked and archived; its namespaces are removed after %s, until then %s",
		d.PurgeAt.UTC().Format(time.RFC3339), restores)
}
