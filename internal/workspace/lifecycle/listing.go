package lifecycle

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
)

const (
	// listEvery is how often Flyte's projects are listed: it has no watch.
	listEvery = 5 * time.Minute
	// listRetry is when it is done again after it failed.
	listRetry = 15 * time.Second
	// listTimeout is how long one listing may take, of all its pages.
	listTimeout = 2 * time.Minute
)

// ListProjectsSoon has Flyte's projects listed at once: after what may have changed many of them.
func (c *Controller) ListProjectsSoon() {
	select {
	case c.listSoon <- struct{}{}:
	default: // one is due
	}
}

// listProjects lists Flyte's projects from time to time, until ctx ends. A listing that failed is repeated soon.
func (c *Controller) listProjects(ctx context.Context) error {
	wait := listEvery
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.listSoon:
		case <-time.After(wait + rand.N(wait/10)): //nolint:gosec // a spread, no secret
		}
		wait = listEvery
		if err := c.findChanged(ctx); err != nil && ctx.Err() == nil {
			wait = listRetry
			log.FromContext(ctx).Error(err, "looking for projects that others changed")
		}
	}
}

// findChanged lists Flyte's projects once for all workspaces, and has those reconciled whose project somebody else changed. Only
// who leads does.
func (c *Controller) findChanged(ctx context.Context) error {
	ctx, release, leads := c.Leadership.Hold(ctx)
	defer release()
	if !leads {
		return nil
	}
	c.rejections.GC()
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	wanted, err := c.settledProjects(ctx)
	if err != nil || len(wanted) == 0 {
		return err
	}
	ids, err := c.Projects.Differing(ctx, wanted)
	if err != nil {
		return err
	}
	for _, id := range ids {
		log.FromContext(ctx).Info("project was changed in Flyte", "workspace", id)
		c.changed.Store(id, true)
		c.queue.next(reconcile.Request{NamespacedName: client.ObjectKey{Name: id}})
	}
	return nil
}

// settledProjects are those of which the status says that Flyte has them as wanted. The others are being worked on.
func (c *Controller) settledProjects(ctx context.Context) (wanted []flyte.Project, err error) {
	var all v1alpha1.WorkspaceList
	if err := c.client.List(ctx, &all, client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency); err != nil {
		return nil, fmt.Errorf("listing Workspaces: %w", err)
	}
	var tiers v1alpha1.WorkspaceTierList
	if err := c.client.List(ctx, &tiers, client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency); err != nil {
		return nil, fmt.Errorf("listing WorkspaceTiers: %w", err)
	}
	byName := map[string]*v1alpha1.WorkspaceTier{}
	for i := range tiers.Items {
		byName[tiers.Items[i].Name] = &tiers.Items[i]
	}
	for i := range all.Items {
		w := &all.Items[i]
		tier, _, err := tierOf(w, func(name string) (*v1alpha1.WorkspaceTier, error) { return byName[name], nil })
		if err != nil {
			return nil, err
		}
		if want := c.projectOf(w, tier); c.isSettled(w, want) {
			wanted = append(wanted, want)
		}
	}
	return wanted, nil
}

// isSettled reports whether the status says that this Flyte was sent exactly this.
func (c *Controller) isSettled(w *v1alpha1.Workspace, want flyte.Project) bool {
	return meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionFlyteProjectRegistered) &&
		w.Status.ProjectDigest == c.projectHash(want)
}
