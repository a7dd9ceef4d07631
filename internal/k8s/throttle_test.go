package k8s

import (
	"fmt"
	"testing"
	"time"

	testingclock "k8s.io/utils/clock/testing"
)

// write asks n times, a millisecond apart, whether the object may be written, and returns how often it was allowed.
func (t *throttle) write(clock *testingclock.FakeClock, n int, object, hash string) (allowed int) {
	for range n {
		if t.allow(object, hash) {
			allowed++
		}
		clock.Step(time.Millisecond)
	}
	return allowed
}

func TestThrottle_LimitsWritesPerHash(t *testing.T) {
	throttled := newThrottle()
	clock := testingclock.NewFakeClock(time.Now())
	throttled.backoff.Clock = clock
	if n := throttled.write(clock, 10, "a", "hash"); n != 10 {
		t.Errorf("%d of 10 quick repairs are allowed", n)
	}
	for range 30 {
		clock.Step(RepairInterval)
		throttled.allow("a", "hash")
	}
	for _, step := range []struct {
		name         string
		wait         time.Duration
		object, hash string
		allowed      int
		contested    bool
	}{
		{"too many writes", 0, "a", "hash", 0, true},
		{"another object", 0, "b", "hash", 1, false},
		{"another hash", 0, "a", "another hash", 1, false},
		{"after the interval", RepairInterval, "a", "hash", 1, true},
		{"half an interval later", RepairInterval / 2, "a", "hash", 0, true},
	} {
		clock.Step(step.wait)
		if n := throttled.write(clock, 1, step.object, step.hash); n != step.allowed {
			t.Errorf("%s: %d writes are allowed, not %d", step.name, n, step.allowed)
		}
		if got := throttled.isContested(step.object, step.hash); got != step.contested {
			t.Errorf("%s: contested: %v", step.name, got)
		}
	}
	if n := throttled.throttled.Load(); n != 2 {
		t.Errorf("%d writes were throttled", n)
	}
	clock.Step(quietPeriod)
	if throttled.isContested("a", "hash") {
		t.Error("the object is contested after the quiet period")
	}
	if n := throttled.write(clock, 5, "a", "hash"); n != 5 {
		t.Errorf("%d of 5 quick repairs are allowed after the quiet period", n)
	}
}

func TestThrottle_DeletesExpiredEntries(t *testing.T) {
	throttled := newThrottle()
	clock := testingclock.NewFakeClock(time.Now())
	throttled.backoff.Clock = clock
	for round := range 5 {
		for i := range writesUntilGC {
			throttled.allow(fmt.Sprint(round, i), "hash")
		}
		clock.Step(quietPeriod)
	}
	remembered := 0
	for round := range 5 {
		for i := range writesUntilGC {
			if throttled.backoff.Get(fmt.Sprint(round, i)+" hash") > 0 {
				remembered++
			}
		}
	}
	if remembered > 2*writesUntilGC {
		t.Errorf("%d objects are remembered", remembered)
	}
}
