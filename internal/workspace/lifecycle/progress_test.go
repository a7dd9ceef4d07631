package lifecycle

import (
	"testing"
	"time"
)

func TestProgress_StallsWhenNothingEnds(t *testing.T) {
	t.Parallel()
	const limit = 5 * time.Minute
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	p := progress{now: func() time.Time { return now }}
	want := func(stalled bool, when string) {
		t.Helper()
		if got := p.stalled(limit); got != stalled {
			t.Errorf("stalled is %t %s", got, when)
		}
	}
	pass := func(d time.Duration) { now = now.Add(d) }

	want(false, "before anything began")
	pass(time.Hour)
	first := p.begin()
	want(false, "when work begins after an hour of rest")
	pass(limit)
	want(false, "at the limit")
	second := p.begin()
	pass(time.Second)
	want(true, "past the limit, although more has begun")
	second()
	want(false, "when something has ended")
	pass(limit + time.Second)
	want(true, "while the first call still hangs")
	first()
	pass(time.Hour)
	want(false, "at rest")
}
