package k8s

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

func registered(w *v1alpha1.Workspace) bool { return w.Status.ProjectID != "" }

func TestStore_AwaitWakesByTheWatch(t *testing.T) {
	k := newKube(t)
	s, looks := newStore(t, k), make(chan struct{}, 100)
	ended := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		w, err := s.Await(ctx, "await-wakes", func(w *v1alpha1.Workspace) bool { looks <- struct{}{}; return registered(w) })
		if err == nil && w.Status.ProjectID != "await-wakes" {
			t.Errorf("got %+v", w)
		}
		ended <- err
	}()
	w := workspace.New("await-wakes")
	must(t, k.admin.Create(t.Context(), w))
	<-looks
	w.Status.ProjectID = "await-wakes"
	must(t, k.admin.Status().Update(t.Context(), w))
	must(t, <-ended)
	if got := len(looks); got > 3 {
		t.Errorf("looked %d times for two changes", got+1)
	}
	if len(s.waiters.byID) != 0 {
		t.Error("a waiter stayed behind")
	}
}

func TestStore_AwaitEndsWithItsContext(t *testing.T) {
	k := newKube(t)
	s := newStore(t, k)
	must(t, k.admin.Create(t.Context(), workspace.New("await-ends")))
	eventually(t, func(ctx context.Context) error {
		bounded, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		w, err := s.Await(bounded, "await-ends", registered)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		if w.Name != "await-ends" {
			return errNotYet // the cache has not seen it
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

func TestStore_AwaitEndsWithItsContextInTheMiddleOfALook(t *testing.T) {
	k := newKube(t)
	s := newStore(t, &kube{client: behind{k.client}, live: k.live, cache: k.cache})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	w, err := s.Await(ctx, "await-behind", registered)
	if w == nil || !errors.Is(err, context.DeadlineExceeded) || workspace.KindOf(err) != workspace.KindInternal {
		t.Errorf("got %v, %v", w, err)
	}
}

// Waiters of one workspace don't keep those of another, nor the informer, waiting.
func TestWaiters_NotifyWithoutBlocking(t *testing.T) {
	var ws waiters
	first, stopFirst := ws.add("a")
	second, stopSecond := ws.add("a")
	other, stopOther := ws.add("b")
	for range 3 {
		ws.OnUpdate(nil, workspace.New("a"))
	}
	ws.OnDelete("not a Workspace")
	if len(first) != 1 || len(second) != 1 || len(other) != 0 {
		t.Errorf("%d, %d and %d tokens", len(first), len(second), len(other))
	}
	stopFirst()
	stopFirst()
	stopSecond()
	stopOther()
	ws.OnAdd(workspace.New("a"), true)
	if len(ws.byID) != 0 {
		t.Errorf("kept %v", ws.byID)
	}
}
