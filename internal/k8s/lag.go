package k8s

import (
	"context"
	"errors"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// maxLag is how long a cache may take to show what we have just written.
const maxLag = 2 * time.Second

// Getter reads single objects.
type Getter interface {
	Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error
}

// catchingUp reads from the cache as soon as it shows our own write of the object, and as it is when that takes longer than maxLag.
// A watch that broke, and began anew after somebody had deleted what we wrote or taken our label off it, never shows it, and only
// another object's event would end the wait. Whatever follows from a cache that lags is guarded by resourceVersion, or refused
// because the object exists, and then looked at.
type catchingUp struct{ cached client.Reader }

// Get implements [Getter].
func (c catchingUp) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	bounded, cancel := context.WithTimeout(ctx, maxLag)
	defer cancel()
	err := c.cached.Get(bounded, key, o, opts...)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = c.cached.Get(ctx, key, o, append(opts, client.DisableReadYourWritesConsistency)...)
	}
	return err
}
