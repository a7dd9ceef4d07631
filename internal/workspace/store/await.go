package store

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// Await returns the Workspace as soon as done says so. It is woken by the watch and does not poll. When ctx ends, it
// returns the last state that it read together with ctx's error.
func (s *Store) Await(ctx context.Context, id string, done func(*v1alpha1.Workspace) bool) (*v1alpha1.Workspace, error) {
	changed, stop := s.watch.subscribe(id)
	defer stop()
	var w v1alpha1.Workspace
	for {
		err := s.client.Get(ctx, client.ObjectKey{Name: id}, &w)
		switch {
		case err == nil && done(&w):
			return &w, nil
		case ctx.Err() != nil: // Get waits for the cache, and may have failed for that
			return &w, ctx.Err()
		case client.IgnoreNotFound(err) != nil:
			return nil, asWorkspaceError(err)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return &w, ctx.Err()
		}
	}
}
