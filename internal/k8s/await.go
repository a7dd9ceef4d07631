package k8s

import (
	"context"
	"sync"

	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// Await returns the Workspace as soon as settled says so, told by the watch and not by polling; when ctx ends, it
// returns the last state seen together with ctx's error.
func (s *Store) Await(ctx context.Context, id string, settled func(*v1alpha1.Workspace) bool) (*v1alpha1.Workspace, error) {
	changed, stop := s.waiters.add(id)
	defer stop()
	var w v1alpha1.Workspace
	for {
		err := s.cached.Get(ctx, client.ObjectKey{Name: id}, &w)
		switch {
		case err == nil && settled(&w):
			return &w, nil
		case ctx.Err() != nil: // perhaps why Get has failed: it waits for the cache
			return &w, ctx.Err()
		case client.IgnoreNotFound(err) != nil:
			return nil, refusal(err)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return &w, ctx.Err()
		}
	}
}

// waiters are told when a Workspace changes in the cache.
type waiters struct {
	mu   sync.Mutex
	byID map[string]map[chan struct{}]struct{}
}

var _ cache.ResourceEventHandler = (*waiters)(nil)

// add registers one waiter. Its channel holds one token, so that a change between two looks is never missed.
func (ws *waiters) add(id string) (changed chan struct{}, stop func()) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.byID == nil {
		ws.byID = map[string]map[chan struct{}]struct{}{}
	}
	if ws.byID[id] == nil {
		ws.byID[id] = map[chan struct{}]struct{}{}
	}
	changed = make(chan struct{}, 1)
	ws.byID[id][changed] = struct{}{}
	return changed, func() { ws.remove(id, changed) }
}

func (ws *waiters) remove(id string, changed chan struct{}) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	delete(ws.byID[id], changed)
	if len(ws.byID[id]) == 0 {
		delete(ws.byID, id)
	}
}

func (ws *waiters) notify(o any) {
	w, ok := o.(*v1alpha1.Workspace)
	if !ok {
		return
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for changed := range ws.byID[w.Name] {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
}

// OnAdd implements cache.ResourceEventHandler.
func (ws *waiters) OnAdd(o any, _ bool) { ws.notify(o) }

// OnUpdate implements cache.ResourceEventHandler.
func (ws *waiters) OnUpdate(_, o any) { ws.notify(o) }

// OnDelete implements cache.ResourceEventHandler.
func (ws *waiters) OnDelete(o any) { ws.notify(o) }
