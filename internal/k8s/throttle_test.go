package k8s

import (
	"fmt"
	"testing"
	"time"

	testingclock "k8s.io/utils/clock/testing"
)

// write writes the object for as long as that is allowed, at most n times, each a millisecond after the one before, and
// returns how often it was.
func (t *throttle) write(clock *testingclock.FakeClock, n int, object, hash string) (allowed int) {
	for range n {
		if t.allow(object, hash) {
			allowed++
		}
		clock.Step(time.Millisecond)
	}
	return allowed
}

func TestThrottle_SlowsWritesOfTheSameForm(t *testing.T) {
	throttled := newThrottle()
	clock := testingclock.NewFakeClock(time.Now())
	throttled.backoff.Clock = clock
	if n := throttled.write(clock, 10, "a", "form"); n != 10 {
		t.Errorf("%d of 10 quick repairs are allowed", n)
	}
	for range 30 {
		clock.Step(RepairInterval)
		throttled.allow("a", "form")
	}
	for _, step := range []struct {
		name         string
		wait         time.Duration
		object, hash string
		allowed      int
		contested    bool
	}{
		{"too many", 0, "a", "form", 0, true},
		{"another object", 0, "b", "form", 1, false},
		{"another form", 0, "a", "another form", 1, false},
		{"after the interval", RepairInterval, "a", "form", 1, true},
		{"a while later", RepairInterval / 2, "a", "form", 0, true},
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
	if throttled.isContested("a", "form") {
		t.Error("it is contested after the quiet period")
	}
	if n := throttled.write(clock, 5, "a", "form"); n != 5 {
		t.Errorf("%d of 5 quick repairs are allowed after it", n)
	}
}

func TestThrottle_ForgetsWhatIsQuiet(t *testing.T) {
	throttled := newThrottle()
	clock := testingclock.NewFakeClock(time.Now())
	throttled.backoff.Clock = clock
	for round := range 5 {
		for i := range writesUntilGC {
			throttled.allow(fmt.Sprint(round, i), "form")
		}
		clock.Step(quietPeriod)
	}
	known := 0
	for round := range 5 {
		for i := range writesUntilGC {
			if throttled.backoff.Get(fmt.Sprint(round, i)+" form") > 0 {
				known++
			}
		}
	}
	if known > 2*writesUntilGC {
		t.Errorf("%d objects are remembered", known)
	}
}
