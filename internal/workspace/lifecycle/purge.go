package lifecycle

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// stuckAfter is how long a namespace may be terminating before it is reported as stuck.
const stuckAfter = 10 * time.Minute

// A purge removes the namespaces of a deleted workspace in steps that may each be the last one of this process:
//
//  1. Before it, the status names the namespaces by UID, and the time.
//  2. beginPurge records PurgeStartedAt, guarded by the resourceVersion of the Workspace in which the deletion was read. An
//     event that was stored meanwhile makes it fail.
//  3. purge reads each namespace after that, from the API server, and deletes it as it was read.
//  4. When all are gone, PurgedAt is recorded. A workspace that was created again meanwhile is then provisioned again.
//
// The API server deletes namespaces by itself, which may take minutes; a watch reports the end, and nothing waits for it.

// beginPurge begins the purge of a workspace whose time has come, unless the guard against mass deletion refuses. A conflict is an
// error.
func (c *Controller) beginPurge(ctx context.Context, w *v1alpha1.Workspace) (outcome, error) {
	if !c.awaitsPurge(w) {
		return outcome{done: true}, nil
	}
	if remaining := c.remaining(w); remaining > 0 {
		return outcome{done: true, after: remaining}, nil
	}
	now := metav1.NewTime(c.Now()).Rfc3339Copy()
	purge := w.DeepCopy()
	purge.Status.Deletion.PurgeStartedAt = &now
	if len(w.Status.Deletion.Namespaces) > 0 { // else nothing is removed
		purge.Status.LastPurgeAt = &now
		if !c.beginningPurge.TryLock() {
			return outcome{done: true, after: slotTimeout}, nil
		}
		defer c.beginningPurge.Unlock()
		if o, err := c.massDeletionGuard(ctx, w); err != nil || !o.done || o.after > 0 {
			return o, err
		}
	}
	guarded := client.MergeFromWithOptions(w.DeepCopy(), client.MergeFromWithOptimisticLock{})
	if err := c.client.Status().Patch(ctx, purge, guarded); err != nil {
		return outcome{}, fmt.Errorf("recording the start of the purge: %w", err)
	}
	log.FromContext(ctx).Info("purging", "namespaces", purge.Status.Deletion.Namespaces)
	*w = *purge
	return outcome{done: true}, nil
}

// awaitsPurge reports whether a purge of w is to come, by what was recorded and by the policy.
func (c *Controller) awaitsPurge(w *v1alpha1.Workspace) bool {
	d := w.Status.Deletion
	return w.Spec.State == v1alpha1.StateDeleted && c.Deletion.Policy == v1alpha1.DeletionDelete &&
		d != nil && d.PurgeAt != nil && d.PurgeStartedAt == nil && d.StateVersion == w.Spec.StateVersion
}

// remaining is how long the purge of w is still to wait, by what was recorded and by the grace period, which may be longer now.
func (c *Controller) remaining(w *v1alpha1.Workspace) time.Duration {
	d := w.Status.Deletion
	return later(d.PurgeAt.Time, d.RequestedAt.Add(c.Deletion.GracePeriod)).Sub(c.Now())
}

// purge removes the remaining namespaces, and records when all are gone. It does so also for a workspace that was created
// again meanwhile: that one is provisioned again afterwards.
func (c *Controller) purge(ctx context.Context, t *target) []outcome {
	var outcomes []outcome
	if t.workspace.Spec.State == v1alpha1.StateDeleted {
		outcomes = append(outcomes, c.project(ctx, t))
	}
	if err := c.removeClusterQueue(ctx, t.workspace.Name); err != nil {
		return append(outcomes, failed(v1alpha1.ConditionNamespaceReady, err))
	}
	remaining, err := c.removeNamespaces(ctx, t)
	switch {
	case err != nil:
		return append(outcomes, failed(v1alpha1.ConditionNamespaceReady, err))
	case len(remaining) > 0:
		return append(outcomes, c.removing(remaining, t.workspace.Status.Deletion.PurgeStartedAt.Time)...)
	}
	return append(outcomes, c.endPurge(ctx, t)...)
}

// removeNamespaces deletes the namespaces of the purge, and returns those that are still being deleted.
func (c *Controller) removeNamespaces(ctx context.Context, t *target) (remaining []*corev1.Namespace, err error) {
	for _, ref := range t.workspace.Status.Deletion.Namespaces {
		var namespace *corev1.Namespace
		err := retry.RetryOnConflict(retry.DefaultRetry, func() (err error) {
			namespace, err = c.remove(ctx, t, ref)
			return err
		})
		if err != nil {
			return nil, err
		}
		if namespace != nil {
			remaining = append(remaining, namespace)
		}
	}
	return remaining, nil
}

// remove deletes one namespace of the purge, and returns it for as long as it is being deleted.
func (c *Controller) remove(ctx context.Context, t *target, ref v1alpha1.NamespaceReference) (*corev1.Namespace, error) {
	live, err := c.Applier.GetOwnedNamespace(ctx, ref, t.workspace.Name)
	switch {
	case err != nil:
		return nil, err
	case live == nil: // nothing is created again before the cache shows the deletion
		return c.Applier.CachedNamespace(ctx, ref, t.workspace.Name)
	case !live.DeletionTimestamp.IsZero():
		return live, nil
	case c.Deletion.Policy != v1alpha1.DeletionDelete:
		return nil, nil // the policy was changed: nothing more is to be deleted
	}
	if err := c.Applier.DeleteNamespace(ctx, live); err != nil {
		return nil, err
	}
	log.FromContext(ctx).Info("deleted a namespace", "namespace", ref.Name, "uid", ref.UID)
	now := metav1.NewTime(c.Now())
	live.DeletionTimestamp = &now
	return live, nil
}

// removing says what is being removed, and since when once that takes long.
func (c *Controller) removing(remaining []*corev1.Namespace, started time.Time) []outcome {
	var stuck []string
	next := stuckAfter
	for _, namespace := range remaining {
		since := started
		if namespace.DeletionTimestamp != nil {
			since = namespace.DeletionTimestamp.Time
		}
		if wait := stuckAfter - c.Now().Sub(later(since, started)); wait > 0 {
			next = min(next, wait)
			continue
		}
		stuck = append(stuck, fmt.Sprintf("namespace %q has been terminating since %s: %s",
			namespace.Name, since.UTC().Format(time.RFC3339), obstacles(namespace)))
	}
	outcomes := allConditions(waiting, v1alpha1.ReasonPurging, "its namespaces are being removed")
	if len(stuck) > 0 {
		next = stuckAfter
		outcomes = allConditions(waiting, v1alpha1.ReasonPurgeStuck, bounded(strings.Join(stuck, "; ")))
	}
	return append(outcomes, outcome{done: true, after: next})
}

// obstacles are the namespace controller's words on a deletion that doesn't end
// (k8s.io/kubernetes/pkg/controller/namespace/deletion/status_condition_utils.go).
func obstacles(namespace *corev1.Namespace) string {
	var texts []string
	for _, condition := range namespace.Status.Conditions {
		if condition.Status == corev1.ConditionTrue {
			texts = append(texts, condition.Message)
		}
	}
	if len(texts) == 0 {
		return "its conditions do not say what it waits for"
	}
	return strings.Join(texts, ", ")
}

// endPurge records that all namespaces are gone. If a change of the policy has kept some, the deletion restarts without a purge.
func (c *Controller) endPurge(ctx context.Context, t *target) []outcome {
	w, d := t.workspace, t.workspace.Status.Deletion
	again := outcome{done: true, after: firstRetry}
	if len(t.owned) > 0 && c.Deletion.Policy != v1alpha1.DeletionDelete {
		if err := c.touchNamespaces(ctx, t); err != nil {
			return []outcome{failed(v1alpha1.ConditionNamespaceReady, err)}
		}
		w.Status.Deletion = nil
		return []outcome{again}
	}
	now := metav1.NewTime(c.Now()).Rfc3339Copy()
	expires := metav1.NewTime(now.Add(c.Deletion.TombstoneTTL))
	d.PurgedAt, d.ExpiresAt = &now, &expires
	w.Status.Namespaces = nil
	log.FromContext(ctx).Info("purged", "state", w.Spec.State)
	purged := done
	if w.Spec.State != v1alpha1.StateDeleted { // it was created again meanwhile, and is provisioned next
		purged = waiting
	}
	return append(allConditions(purged, v1alpha1.ReasonPurged, purgedMessage), again)
}
