package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

func registered(w *v1alpha1.Workspace) bool { return w.Status.ProjectID != "" }

func TestStore_AwaitWakesByTheWatch(t *testing.T) {
	k := newKube(t)
	s, reads := newStore(t, k), make(chan struct{}, 100)
	ended := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		w, err := s.Await(ctx, "await-wakes", func(w *v1alpha1.Workspace) bool { reads <- struct{}{}; return registered(w) })
		if err == nil && w.Status.ProjectID != "await-wakes" {
			t.Errorf("got %+v", w)
		}
		ended <- err
	}()
	w := workspace.New("await-wakes")
	must(t, k.Admin.Create(t.Context(), w))
	<-reads
	w.Status.ProjectID = "await-wakes"
	must(t, k.Admin.Status().Update(t.Context(), w))
	must(t, <-ended)
	if got := len(reads); got > 3 {
		t.Errorf("read %d times for two changes", got+1)
	}
	if len(s.watch.subscribers) != 0 {
		t.Error("a waiter stayed behind")
	}
}

func TestStore_AwaitEndsWithItsContext(t *testing.T) {
	k := newKube(t)
	s := newStore(t, k)
	must(t, k.Admin.Create(t.Context(), workspace.New("await-ends")))
	eventually(t, func(ctx context.Context) error {
		bounded, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		w, err := s.Await(bounded, "await-ends", registered)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		if w.Name != "await-ends" {
			return errNotCached // the cache does not show it yet
		}
		return nil
	})
}

// behind is a client whose cache never catches up with our own writes.
type behind struct{ client.Client }

func (behind) Get(ctx context.Context, _ client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	<-ctx.Done()
	return fmt.Errorf("waiting for the cache: %w", ctx.Err())
}

func TestStore_AwaitEndsWithItsContextDuringARead(t *testing.T) {
	k := newKube(t)
	s := newStore(t, &kube{&clustertest.Clients{Client: behind{k.Client}, Live: k.Live, Cache: k.Cache}})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	w, err := s.Await(ctx, "await-behind", registered)
	if w == nil || !errors.Is(err, context.DeadlineExceeded) || workspace.KindOf(err) != workspace.KindInternal {
		t.Errorf("got %v, %v", w, err)
	}
}

func TestWorkspaceWatch_SignalsWithoutBlocking(t *testing.T) {
	watch := newWorkspaceWatch()
	first, stopFirst := watch.subscribe("a")
	second, stopSecond := watch.subscribe("a")
	other, stopOther := watch.subscribe("b")
	for range 3 {
		watch.OnUpdate(nil, workspace.New("a"))
	}
	watch.OnDelete("not an object")
	if len(first) != 1 || len(second) != 1 || len(other) != 0 {
		t.Errorf("%d, %d and %d signals", len(first), len(second), len(other))
	}
	stopFirst()
	stopFirst()
	stopSecond()
	stopOther()
	watch.OnAdd(workspace.New("a"), true)
	if len(watch.subscribers) != 0 {
		t.Errorf("kept %v", watch.subscribers)
	}
}

func TestWorkspaceWatch_CountsWorkspaces(t *testing.T) {
	watch, synced := newWorkspaceWatch(), false
	if watch.fewerThan(1) {
		t.Error("without an informer, nobody knows how many there are")
	}
	watch.hasSynced = func() bool { return synced }
	watch.OnAdd(workspace.New("a"), true)
	watch.OnAdd(workspace.New("b"), false)
	watch.OnUpdate(nil, workspace.New("b"))
	if watch.fewerThan(3) {
		t.Error("before the informer has synced, its count is too low")
	}
	synced = true
	if watch.fewerThan(2) || !watch.fewerThan(3) {
		t.Errorf("counted %d", watch.count)
	}
	watch.OnDelete(toolscache.DeletedFinalStateUnknown{Key: "a", Obj: workspace.New("a")})
	watch.OnDelete(workspace.New("b"))
	if !watch.fewerThan(1) {
		t.Errorf("counted %d after all were deleted", watch.count)
	}
}
