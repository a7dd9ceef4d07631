package store

import (
	"context"
	"fmt"
	"sync"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// workspaceWatch handles the events of the informer of Workspaces: it counts Workspaces, and signals changes of one to its
// subscribers.
type workspaceWatch struct {
	hasSynced func() bool // nil without an informer

	mu          sync.Mutex
	count       int
	subscribers map[chan struct{}]string // the id that each waits for
}

func newWorkspaceWatch() *workspaceWatch {
	return &workspaceWatch{subscribers: map[chan struct{}]string{}}
}

func watchWorkspaces(ctx context.Context, informers cache.Informers) (*workspaceWatch, error) {
	ws := newWorkspaceWatch()
	informer, err := informers.GetInformer(ctx, &v1alpha1.Workspace{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, fmt.Errorf("watching Workspaces: %w", err)
	}
	registration, err := informer.AddEventHandler(ws)
	if err != nil {
		return nil, fmt.Errorf("watching Workspaces: %w", err)
	}
	ws.hasSynced = registration.HasSynced
	return ws, nil
}

// fewerThan reports whether fewer than limit Workspaces are in the cache. It is false as long as their number is unknown.
func (ws *workspaceWatch) fewerThan(limit int) bool {
	if ws.hasSynced == nil || !ws.hasSynced() {
		return false
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.count < limit
}

// subscribe returns a channel that receives when the Workspace changes. It buffers one signal, so that no change between two
// receives is missed.
func (ws *workspaceWatch) subscribe(id string) (changed chan struct{}, stop func()) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	changed = make(chan struct{}, 1)
	ws.subscribers[changed] = id
	return changed, func() {
		ws.mu.Lock()
		defer ws.mu.Unlock()
		delete(ws.subscribers, changed)
	}
}

// OnAdd implements cache.ResourceEventHandler.
func (ws *workspaceWatch) OnAdd(o any, _ bool) { ws.notify(o, 1) }

// OnUpdate implements cache.ResourceEventHandler.
func (ws *workspaceWatch) OnUpdate(_, o any) { ws.notify(o, 0) }

// OnDelete implements cache.ResourceEventHandler.
func (ws *workspaceWatch) OnDelete(o any) { ws.notify(o, -1) }

// notify never blocks: a subscriber that has a signal needs no second one.
func (ws *workspaceWatch) notify(o any, added int) {
	changedID, err := toolscache.DeletionHandlingMetaNamespaceKeyFunc(o)
	if err != nil {
		return // not an object
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.count += added
	for changed, id := range ws.subscribers {
		if id != changedID {
			continue
		}
		select {
		case changed <- struct{}{}:
		default:
		}
	}
}
