package lifecycle

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func TestQueue_PrioritizesChangedWorkspaces(t *testing.T) {
	t.Parallel()
	q := priorityqueue.New[reconcile.Request]("")
	defer q.ShutDown()
	var ours queue
	ours.add(request("before-start")...) // dropped: the start reconciles every Workspace
	must(t, ours.take(t.Context(), q))
	ours.fanOut(append(request("tiered-1"), request("tiered-2")...)...)
	ours.addLow(request("reconciled")...)
	ours.add(request("new")...)
	q.Add(request("updated")[0])
	q.Add(request("tiered-2")[0]) // its own update makes it urgent
	var order []string
	for range 5 {
		next, _ := q.Get()
		order = append(order, next.Name)
		q.Done(next)
	}
	if want := []string{"new", "updated", "tiered-2", "tiered-1", "reconciled"}; !slices.Equal(order, want) {
		t.Errorf("the order is %v, not %v", order, want)
	}
}

func TestQueue_LimitsFanOut(t *testing.T) {
	t.Parallel()
	q := priorityqueue.New[reconcile.Request]("")
	defer q.ShutDown()
	var all []reconcile.Request
	for i := range 3 * maxFanOut {
		all = append(all, request(fmt.Sprint(i))...)
	}
	var f queue
	f.fanOut(all...) // before the controller has started
	must(t, f.take(t.Context(), q))
	f.fanOut(all[maxFanOut:]...) // already waiting
	var order []reconcile.Request
	for len(order) < len(all) {
		if n := len(f.underWay); n > maxFanOut {
			t.Fatalf("%d are under way", n)
		}
		next, _ := q.Get()
		order = append(order, next)
		q.Done(next)
		f.done(request("another")[0])
		f.done(next)
	}
	if !slices.Equal(order, all) || len(f.waiting)+len(f.underWay) > 0 || q.Len() > 0 {
		t.Errorf("the order is %v; waiting: %v, under way: %v", order, f.waiting, f.underWay)
	}
}

const stallLimit = 5 * time.Minute

// testProgress is a progress with a clock that the test advances.
type testProgress struct {
	*testing.T
	progress

	time time.Time
}

func newTestProgress(t *testing.T) *testProgress {
	t.Helper()
	w := &testProgress{T: t, time: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
	w.now = func() time.Time { return w.time }
	return w
}

func (w *testProgress) advance(d time.Duration) { w.time = w.time.Add(d) }

// check checks stalled with this many waiting requests.
func (w *testProgress) check(stalled bool, waiting int, when string) {
	w.Helper()
	if got := w.stalled(stallLimit, waiting); got != stalled {
		w.Errorf("stalled is %t %s", got, when)
	}
}

func TestProgress_StalledWhileReconcileHangs(t *testing.T) {
	t.Parallel()
	w := newTestProgress(t)
	w.check(false, 0, "before the first Reconcile")
	w.advance(time.Hour)
	first := w.begin()
	w.check(false, 0, "when a Reconcile starts after an idle hour")
	w.advance(stallLimit)
	w.check(false, 0, "at the limit")
	second := w.begin()
	w.advance(time.Second)
	w.check(true, 0, "past the limit, although another Reconcile started")
	second()
	w.check(true, 0, "although another Reconcile has ended: one worker hangs")
	first()
	w.check(false, 0, "when the hanging Reconcile has ended")
	w.advance(time.Hour)
	w.check(false, 0, "when idle")
}

func TestProgress_StalledWhileNoWorkStarts(t *testing.T) {
	t.Parallel()
	w := newTestProgress(t)
	w.begin()()
	w.advance(time.Hour)
	w.check(false, 7, "when requests arrive after an idle hour")
	w.advance(stallLimit)
	w.check(false, 7, "at the limit")
	w.advance(time.Second)
	w.check(true, 7, "past the limit: no worker starts a request")
	w.begin()()
	w.check(false, 6, "when a worker has started one")
	w.advance(stallLimit)
	w.check(false, 0, "when the queue is empty")
	w.advance(stallLimit)
	w.check(false, 1, "when a request arrives later")
}
