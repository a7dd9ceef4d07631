package k8s

import (
	"fmt"
	"testing"
	"time"
)

// argue writes the wish n times, and tells how often that was allowed.
func (d *disputes) argue(n int, key, want string, now time.Time) (allowed int) {
	for range n {
		if d.begin(key, want, now) {
			allowed++
		}
	}
	return allowed
}

func TestDisputes_HoldBackWhatIsWrittenAgainAndAgain(t *testing.T) {
	var d disputes
	start := time.Now()
	later, peace := start.Add(DisputeInterval), start.Add(DisputeInterval+disputePeace)
	for _, step := range []struct {
		name      string
		writes    int
		key, want string
		now       time.Time
		allowed   int
		over      bool
	}{
		{"a few repairs", disputeBurst - 1, "a", "wish", start, disputeBurst - 1, true},
		{"too many", 3, "a", "wish", start, 1, false},
		{"another object", 1, "b", "wish", start, 1, true},
		{"after the interval", 3, "a", "wish", later, 1, false},
		{"not yet in peace", 0, "a", "wish", peace.Add(-1), 0, false},
		{"in peace", 0, "a", "wish", peace, 0, true},
		{"a new dispute", disputeBurst + 1, "a", "wish", peace, disputeBurst, false},
		{"another wish", 1, "a", "another wish", peace, 1, true},
	} {
		if n := d.argue(step.writes, step.key, step.want, step.now); n != step.allowed {
			t.Errorf("%s: %d writes are allowed, not %d", step.name, n, step.allowed)
		}
		if over := d.over(step.key, step.want, step.now); over != step.over {
			t.Errorf("%s: the dispute is over: %v", step.name, over)
		}
	}
	if n := d.heldBack(); n != 2+2+1 {
		t.Errorf("%v writes were held back", n)
	}
}

func TestDisputes_ForgetWhatIsInPeace(t *testing.T) {
	var d disputes
	now := time.Now()
	for round := range 20 {
		for i := range disputesKept {
			d.begin(fmt.Sprint(round, i), "wish", now)
		}
		now = now.Add(disputePeace)
	}
	if n := len(d.objects); n > 2*disputesKept {
		t.Errorf("%d objects are remembered", n)
	}
}
