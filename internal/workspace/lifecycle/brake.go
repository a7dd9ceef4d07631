package lifecycle

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

const (
	// brakeShare is how many percent of all workspaces may begin to be purged within brakeWindow. One may always.
	brakeShare  = 10
	brakeWindow = time.Hour
	// maxPurging is how many workspaces are purged at once. One that is stuck takes no place.
	maxPurging = 10
	// purgeTurn is when a workspace that waits for its turn looks again, spread up to its double.
	purgeTurn = 10 * time.Second
)

// brake is done when the purge of w may begin. Beyond brakeShare it may not, unless a person has released it: whoever
// deletes that many may have made a mistake, or be an attacker.
func (c *Controller) brake(ctx context.Context, w *v1alpha1.Workspace) (outcome, error) {
	n, err := c.tally(ctx)
	if err != nil {
		return outcome{}, err
	}
	if n.recent >= n.allowed() && !released(w) {
		message := fmt.Sprintf("the namespaces of %d%% of all workspaces were removed within %s; "+
			"a person may release this one by the annotation %s", brakeShare, brakeWindow, v1alpha1.AnnotationReleasePurge)
		return waitFor(v1alpha1.ConditionReady, v1alpha1.ReasonPurgePaused, message, lookAgain), nil
	}
	if n.underWay >= maxPurging {
		return outcome{done: true, after: waitFor("", "", "", purgeTurn).after}, nil
	}
	return outcome{done: true}, nil
}

// released tells whether a person has released this very deletion.
func released(w *v1alpha1.Workspace) bool {
	return w.Annotations[v1alpha1.AnnotationReleasePurge] == w.Status.Deletion.PurgeAt.UTC().Format(time.RFC3339)
}

// tally is how many workspaces have namespaces, or lately had, how many of them were begun to be purged within
// brakeWindow, and how many purges are under way. What was purged before that counts for nothing.
type tally struct{ total, recent, underWay int }

func (n *tally) allowed() int { return max(1, n.total*brakeShare/100) }

func (c *Controller) tally(ctx context.Context) (n tally, err error) {
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

func (n *tally) add(w *v1alpha1.Workspace, now time.Time) {
	last := w.Status.LastPurgeAt
	recent := last != nil && now.Sub(last.Time) < brakeWindow
	if recent {
		n.recent++
	}
	if recent || len(w.Status.Namespaces) > 0 {
		n.total++ // not one without namespaces: whoever may make Workspaces could loosen the brake by any number of them
	}
	if w.Purging() && now.Sub(w.Status.Deletion.PurgeStartedAt.Time) < stuckAfter {
		n.underWay++
	}
}
