package k8s

import (
	"context"
	"errors"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// staleReadTimeout is how long a cache may take to show what we have just written.
const staleReadTimeout = 2 * time.Second

// Get reads from the cache as soon as it shows our own write of the object, and from the API server when that takes longer than
// staleReadTimeout. If another client deletes what we wrote, or removes our label, while the watch is down, the cache never
// shows it, and only the event of another object would end the wait.
func (a *Applier) Get(ctx context.Context, key client.ObjectKey, o client.Object) error {
	return a.getFresh(ctx, key, o, func() error { return a.Live.Get(ctx, key, o) })
}

// getCached is Get of an object whose hash is needed, which only the cache knows: as the cache shows it when that takes longer.
// Every write that follows from a stale read is guarded by resourceVersion, or refused because the object exists. Then the object is
// read from the API server.
func (a *Applier) getCached(ctx context.Context, key client.ObjectKey, o client.Object) error {
	return a.getFresh(ctx, key, o, func() error { return a.Client.Get(ctx, key, o, client.DisableReadYourWritesConsistency) })
}

func (a *Applier) getFresh(ctx context.Context, key client.ObjectKey, o client.Object, otherwise func() error) error {
	bounded, cancel := context.WithTimeout(ctx, staleReadTimeout)
	defer cancel()
	err := a.Client.Get(bounded, key, o)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = otherwise()
	}
	return err
}
