package lifecycle

import (
	"context"
	"errors"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

// maxConcurrent bounds how many requests one step of one workspace has under way at once.
const maxConcurrent = 16

// apply applies all objects at once. Each error stands where its object does.
func (c *Controller) apply(ctx context.Context, objects []client.Object) []error {
	return concurrently(objects, func(o client.Object) error { return c.Applier.Apply(ctx, o) })
}

// applyTerminating applies those objects that still exist in a namespace that is being deleted. What a finalizer keeps
// there is as wanted, and its end is not waited for.
func (c *Controller) applyTerminating(ctx context.Context, objects []client.Object) []error {
	return concurrently(objects, func(o client.Object) error { return notHeld(c.Applier.ApplyExisting(ctx, o)) })
}

func notHeld(err error) error {
	if errors.Is(err, k8s.ErrHeld) {
		return nil
	}
	return err
}

// removeAll removes objects that must not exist, as apply does.
func (c *Controller) removeAll(ctx context.Context, objects []client.Object) []error {
	return concurrently(objects, func(o client.Object) error { return c.Applier.Remove(ctx, o) })
}

// concurrently calls do for each item, at most maxConcurrent at a time. One that fails doesn't stop the others.
func concurrently[T any](items []T, do func(T) error) []error {
	errs := make([]error, len(items))
	slots := make(chan struct{}, maxConcurrent)
	var group sync.WaitGroup
	for i, item := range items {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			errs[i] = do(item)
		})
	}
	group.Wait()
	return errs
}
