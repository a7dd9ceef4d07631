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

// maxConcurrent bounds how many items inEach works on at once: steps, namespaces or objects.
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

// inEach calls do with each item, at most maxConcurrent at a time. An item that fails doesn't stop the others. Each result is at the
// position of its item.
func inEach[T, R any](items []T, do func(T) R) []R {
	results := make([]R, len(items))
	var group errgroup.Group
	group.SetLimit(maxConcurrent)
	for i, item := range items {
		group.Go(func() error {
			results[i] = do(item)
			return nil
		})
	}
	_ = group.Wait()
	return results
}
