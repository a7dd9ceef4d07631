package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
)

const (
	// listInterval is how often Flyte's projects are listed: it has no watch.
	listInterval = 5 * time.Minute
	// listRetry is when a listing that failed is repeated.
	listRetry = 15 * time.Second
	// listTimeout is how long one listing may take, of all its pages.
	listTimeout = 2 * time.Minute
)

// ListProjectsSoon has Flyte's projects listed at once: after an event that may have changed many of them.
func (c *Controller) ListProjectsSoon() {
	select {
	case c.listSoon <- struct{}{}:
	default: // one is due
	}
}

// listProjects lists Flyte's projects from time to time, until ctx ends. A listing that failed is repeated soon.
func (c *Controller) listProjects(ctx context.Context) error {
	wait := listInterval
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.listSoon:
		case <-time.After(wait + rand.N(wait/10)): //nolint:gosec // a spread, no secret
		}
		wait = listInterval
		if err := c.findChangedProjects(ctx); err != nil && ctx.Err() == nil {
			wait = listRetry
			log.FromContext(ctx).Error(err, "comparing the projects in Flyte")
		}
	}
}

// findChangedProjects lists Flyte's projects once for all workspaces, and has those reconciled whose project another client
// changed. Only the leader does.
func (c *Controller) findChangedProjects(ctx context.Context) error {
	ctx, release, leads := c.Leadership.Bind(ctx)
	defer release()
	if !leads {
		return nil
	}
	c.rejections.GC()
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	sent, err := c.sentProjects(ctx)
	if err != nil || len(sent) == 0 {
		return err
	}
	ids, err := c.Projects.Differing(ctx, sent)
	if err != nil {
		return err
	}
	for _, id := range ids {
		log.FromContext(ctx).Info("project was changed in Flyte", "workspace", id)
		c.changedProjects.Store(id, true)
		c.queue.add(request(id)...)
	}
	return nil
}

// sentProjects are those of which the status says that Flyte has them as desired. The others are being worked on.
func (c *Controller) sentProjects(ctx context.Context) (sent []flyte.Project, err error) {
	var all v1alpha1.WorkspaceList
	if err := c.client.List(ctx, &all, client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency); err != nil {
		return nil, fmt.Errorf("listing Workspaces: %w", err)
	}
	tiers, err := c.tiersByName(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all.Items {
		w := &all.Items[i]
		tier, _, err := tierOf(w, func(name string) (*v1alpha1.WorkspaceTier, error) { return tiers[name], nil })
		if err != nil {
			return nil, err
		}
		if want := c.Flyte.Project(w, tier); c.isSent(w, want) {
			sent = append(sent, want)
		}
	}
	return sent, nil
}

func (c *Controller) tiersByName(ctx context.Context) (map[string]*v1alpha1.WorkspaceTier, error) {
	var tiers v1alpha1.WorkspaceTierList
	if err := c.client.List(ctx, &tiers, client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency); err != nil {
		return nil, fmt.Errorf("listing WorkspaceTiers: %w", err)
	}
	byName := make(map[string]*v1alpha1.WorkspaceTier, len(tiers.Items))
	for i := range tiers.Items {
		byName[tiers.Items[i].Name] = &tiers.Items[i]
	}
	return byName, nil
}

// isSent reports whether the status says that this Flyte was sent exactly this.
func (c *Controller) isSent(w *v1alpha1.Workspace, want flyte.Project) bool {
	return meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionFlyteProjectRegistered) &&
		w.Status.ProjectDigest == c.projectHash(want)
}

const (
	// flyteTimeout is how long a Reconcile waits for Flyte. A healthy one answers in milliseconds.
	flyteTimeout = 5 * time.Second
	// maxFlyteCalls is how many Reconciles call Flyte at once. A Flyte that hangs never blocks the other workers, so that access
	// can be taken away meanwhile.
	maxFlyteCalls = workers / 2
	// slotTimeout is how long a Reconcile waits until it may call Flyte.
	slotTimeout = time.Second
)

// errTooManyCalls: Flyte is slow, and enough other Reconciles wait for it.
var errTooManyCalls = errors.New("too many calls to Flyte are under way")

// ensureProject makes Flyte's project as desired, within a bounded time.
func (c *Controller) ensureProject(ctx context.Context, want flyte.Project) error {
	slot, cancelSlot := context.WithTimeout(ctx, slotTimeout)
	defer cancelSlot()
	if c.flyteSlots.Acquire(slot, 1) != nil {
		return errTooManyCalls
	}
	defer c.flyteSlots.Release(1)
	ctx, cancel := context.WithTimeout(ctx, c.flyteTimeout)
	defer cancel()
	_, err := c.Projects.EnsureProject(ctx, want)
	return err
}
