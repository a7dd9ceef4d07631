package main

import (
	"context"
	"fmt"
)

// serve runs the manager until ctx ends, and then the process to its end.
//
// The edge closes its listener and answers what is under way as soon as ctx ends, at the same time as all else stops: the
// manager stops its servers last, when a controller that hangs may have used up the time of the requests.
func (s *service) serve(ctx context.Context) error {
	ended, drained := make(chan error, 1), make(chan error, 1)
	context.AfterFunc(ctx, func() { drained <- s.drain(context.WithoutCancel(ctx)) })
	go func() { ended <- s.mgr.Start(ctx) }()
	select {
	case err := <-ended:
		if ctx.Err() == nil {
			return err
		}
		ended <- err // both at once: the requests under way still come first
	case <-ctx.Done():
	}
	if err := <-drained; err != nil || !s.synced.Load() {
		return err // a manager that waits for its caches does not notice that ctx has ended
	}
	return <-ended
}

// drain answers the requests under way, and takes no more.
func (s *service) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.drain())
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		return fmt.Errorf("answering the last requests: %w", err)
	}
	return nil
}
