package lifecycle

import (
	"context"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// maxConcurrent bounds how many requests one step of one workspace has under way at once.
const maxConcurrent = 16

// apply applies all objects at once. Each error stands where its object does.
func (c *Controller) apply(ctx context.Context, objects []client.Object) []error {
	return concurrently(objects, func(o client.Object) error { return c.Applier.Apply(ctx, o) })
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
