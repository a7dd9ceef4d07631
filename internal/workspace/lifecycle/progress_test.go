package lifecycle

import (
	"testing"
	"time"
)

const stallLimit = 5 * time.Minute

// watched is a progress and a clock that a test moves.
type watched struct {
	*testing.T
	progress

	time time.Time
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	w := &watched{T: t, time: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
	w.now = func() time.Time { return w.time }
	return w
}

func (w *watched) pass(d time.Duration) { w.time = w.time.Add(d) }

// want looks while so much work waits.
func (w *watched) want(stalled bool, waiting int, when string) {
	w.Helper()
	if got := w.stalled(stallLimit, waiting); got != stalled {
		w.Errorf("stalled is %t %s", got, when)
	}
}

func TestProgress_StallsWhenAReconcileDoesNotEnd(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.want(false, 0, "before anything began")
	w.pass(time.Hour)
	first := w.begin()
	w.want(false, 0, "when work begins after an hour of rest")
	w.pass(stallLimit)
	w.want(false, 0, "at the limit")
	second := w.begin()
	w.pass(time.Second)
	w.want(true, 0, "past the limit, although more has begun")
	second()
	w.want(true, 0, "although another has ended: one worker hangs, and one workspace with it")
	first()
	w.want(false, 0, "when the one that hung has ended")
	w.pass(time.Hour)
	w.want(false, 0, "at rest")
}

func TestProgress_StallsWhenNothingIsTakenUp(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.begin()()
	w.pass(time.Hour)
	w.want(false, 7, "when work comes after an hour of rest")
	w.pass(stallLimit)
	w.want(false, 7, "at the limit")
	w.pass(time.Second)
	w.want(true, 7, "past the limit: no worker takes anything")
	w.begin()()
	w.want(false, 6, "when one has been taken")
	w.pass(stallLimit)
	w.want(false, 0, "when none is left")
	w.pass(stallLimit)
	w.want(false, 1, "when another comes long after")
}
