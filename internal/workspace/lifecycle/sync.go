package lifecycle

import (
	"cmp"
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

// maxConcurrent bounds how many requests one step of one workspace has under way at once.
const maxConcurrent = 16

// sync applies a part of a namespace's desired set, and then prunes what is not in it: a limit never goes before the one that
// replaces it.
func (c *Controller) sync(ctx context.Context, p *desired.Plan, part desired.Part) error {
	if err := c.apply(ctx, part.Objects); err != nil {
		return err
	}
	return c.prune(ctx, c.client, p, part)
}

func (c *Controller) apply(ctx context.Context, objects []client.Object) error {
	return cmp.Or(inEach(objects, func(o client.Object) error { return c.Applier.Apply(ctx, o) })...)
}

func (c *Controller) prune(ctx context.Context, from client.Reader, p *desired.Plan, part desired.Part) error {
	return c.Applier.Prune(ctx, from, p.Namespace.Name, part.Kinds, append(part.Keep, part.Objects...))
}

// applyTerminating applies those objects that still exist in a namespace that is being deleted. It does not wait for finalizers.
func (c *Controller) applyTerminating(ctx context.Context, objects []client.Object) error {
	return cmp.Or(inEach(objects, func(o client.Object) error { return ignoreFinalizing(c.Applier.ApplyExisting(ctx, o)) })...)
}

func ignoreFinalizing(err error) error {
	if errors.Is(err, k8s.ErrFinalizing) {
		return nil
	}
	return err
}

// inEach calls do with each item, at most maxConcurrent at a time. One that fails doesn't stop the others. Each error is at the
// position of its item.
func inEach[T any](items []T, do func(T) error) []error {
	errs := make([]error, len(items))
	var group errgroup.Group
	group.SetLimit(maxConcurrent)
	for i, item := range items {
		group.Go(func() error {
			errs[i] = do(item)
			return nil
		})
	}
	_ = group.Wait()
	return errs
}
