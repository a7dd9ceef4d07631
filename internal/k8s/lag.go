package k8s

import (
	"context"
	"errors"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// maxLag is how long a cache may take to show what we have just written.
const maxLag = 2 * time.Second

// catchingUp reads from the cache as soon as it shows our own writes, and as it is when that takes longer than maxLag. A
// watch that broke, and began anew after somebody had deleted what we wrote or taken our label off it, never shows it, and only
// another object's event would end the wait. Whatever follows from a cache that lags is guarded by resourceVersion, or refused
// because the object exists, and then looked at.
type catchingUp struct{ client.Reader }

// Get implements [client.Reader].
func (c catchingUp) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	return withoutWaiting(ctx, func(ctx context.Context, wait bool) error {
		if !wait {
			opts = append(opts, client.DisableReadYourWritesConsistency)
		}
		return c.Reader.Get(ctx, key, o, opts...)
	})
}

// List implements [client.Reader].
func (c catchingUp) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	return withoutWaiting(ctx, func(ctx context.Context, wait bool) error {
		if !wait {
			opts = append(opts, client.DisableReadYourWritesConsistency)
		}
		return c.Reader.List(ctx, list, opts...)
	})
}

func withoutWaiting(ctx context.Context, read func(ctx context.Context, wait bool) error) error {
	bounded, cancel := context.WithTimeout(ctx, maxLag)
	defer cancel()
	err := read(bounded, true)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = read(ctx, false)
	}
	return err
}
