package lifecycle

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

const (
	// maxPurgeShare is how many percent of all workspaces may begin to be purged within purgeWindow. One always may.
	maxPurgeShare = 10
	purgeWindow   = time.Hour
	// maxPurging is how many workspaces are purged at once. One that is stuck does not count.
	maxPurging = 10
	// purgeRetry is when a workspace tries again that had to wait, spread up to its double.
	purgeRetry = 10 * time.Second
)

// massDeletionGuard is done if the purge of w may begin. Beyond maxPurgeShare it may not, unless a user has released it: so
// many deletions may be a mistake or an attack.
func (c *Controller) massDeletionGuard(ctx context.Context, w *v1alpha1.Workspace) (outcome, error) {
	n, err := c.countPurges(ctx)
	if err != nil {
		return outcome{}, err
	}
	if n.recent >= n.allowed() && !released(w) {
		message := fmt.Sprintf("the namespaces of %d%% of all workspaces were removed within %s; "+
			"a person may release this one by the annotation %s", maxPurgeShare, purgeWindow, v1alpha1.AnnotationReleasePurge)
		return waitFor(v1alpha1.ConditionReady, v1alpha1.ReasonPurgePaused, message, recheckInterval), nil
	}
	if n.underWay >= maxPurging {
		return outcome{done: true, after: waitFor("", "", "", purgeRetry).after}, nil
	}
	return outcome{done: true}, nil
}

// released reports whether the annotation releases exactly this deletion.
func released(w *v1alpha1.Workspace) bool {
	return w.Annotations[v1alpha1.AnnotationReleasePurge] == w.Status.Deletion.PurgeAt.UTC().Format(time.RFC3339)
}

// purgeCounts are how many workspaces have namespaces, or lately had, how many purges of them began within purgeWindow, and how
// many are under way. Earlier purges don't count.
type purgeCounts struct{ total, recent, underWay int }

func (n *purgeCounts) allowed() int { return max(1, n.total*maxPurgeShare/100) }

func (c *Controller) countPurges(ctx context.Context) (n purgeCounts, err error) {
	var all v1alpha1.WorkspaceList
	if err := c.client.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return n, fmt.Errorf("counting purges: %w", err)
	}
	now := c.Now()
	for i := range all.Items {
		n.add(&all.Items[i], now)
	}
	return n, nil
}

func (n *purgeCounts) add(w *v1alpha1.Workspace, now time.Time) {
	last := w.Status.LastPurgeAt
	recent := last != nil && now.Sub(last.Time) < purgeWindow
	if recent {
		n.recent++
	}
	if recent || len(w.Status.Namespaces) > 0 {
		n.total++ // not one without namespaces: anyone who may create Workspaces could raise the allowed number with them
	}
	if w.Purging() && now.Sub(w.Status.Deletion.PurgeStartedAt.Time) < stuckAfter {
		n.underWay++
	}
}

// provisionable is done if anything may be provisioned of the spec.
func (c *Controller) provisionable(ctx context.Context, t *target) outcome {
	if t.workspace.Spec.DisplayName == "" {
		message := "the state of the workspace has arrived, its content (spec.displayName) has not"
		return waiting(v1alpha1.ConditionReady, v1alpha1.ReasonAwaitingContent, message)
	}
	if err := c.Validator.Workspace(t.workspace); err != nil {
		return waiting(v1alpha1.ConditionReady, v1alpha1.ReasonInvalid, bounded(err.Error()))
	}
	return c.withinLimits(ctx, t)
}

// withinLimits is done if a workspace that has nothing yet may be provisioned: kubectl apply bypasses the edge, which refuses
// what exceeds the limits. The oldest come first, tombstones count, and what is provisioned stays so.
func (c *Controller) withinLimits(ctx context.Context, t *target) outcome {
	w := t.workspace
	if len(t.ready) > 0 || len(w.Status.Namespaces) > 0 || w.Spec.State == v1alpha1.StateDeleted {
		return outcome{done: true}
	}
	if c.countWorkspaces() <= c.Limits.Workspaces && len(w.Spec.Members) <= workspace.OrdinaryMembers {
		return outcome{done: true} // no matter which are older
	}
	var all v1alpha1.WorkspaceList
	// Our own writes change neither number nor age: a count need not wait until the cache shows the status of every other workspace.
	if err := c.client.List(ctx, &all, client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency); err != nil {
		return failed(v1alpha1.ConditionReady, fmt.Errorf("counting Workspaces and their members: %w", err))
	}
	if message := c.exceededLimit(w, all.Items); message != "" {
		return waitFor(v1alpha1.ConditionReady, v1alpha1.ReasonLimitExceeded, message, recheckInterval)
	}
	return outcome{done: true}
}

// exceededLimit says which limit a workspace exceeds beside the older ones, or is "" if it exceeds none.
func (c *Controller) exceededLimit(w *v1alpha1.Workspace, all []v1alpha1.Workspace) string {
	older, members := 0, 0
	for i := range all {
		if isOlder(&all[i], w) {
			older++
			members += len(all[i].Spec.Members)
		}
	}
	if older >= c.Limits.Workspaces {
		return fmt.Sprintf("there are %d older workspaces, and MAX_WORKSPACES allows %d", older, c.Limits.Workspaces)
	}
	return c.Limits.ExceededBy(len(w.Spec.Members), members)
}

// isOlder orders Workspaces by age, and by name if they were created in the same second.
func isOlder(a, b *v1alpha1.Workspace) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name < b.Name
	}
	return a.CreationTimestamp.Before(&b.CreationTimestamp)
}
