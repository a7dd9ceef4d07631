package workspaceservice

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errDown = errors.New("connection refused")

func passed(t *testing.T, g *gate) func(error) {
	t.Helper()
	done, err := g.pass(t.Context())
	must(t, err)
	return done
}

// TestGate_PausesLongerAndLonger while the workspace service is down for a day: that costs it next to nothing.
func TestGate_PausesLongerAndLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, start, attempts := newGate(), time.Now(), 0
		for time.Since(start) < 24*time.Hour {
			passed(t, g)(errDown)
			attempts++
		}
		if attempts < 24*60/2 || attempts > 24*60+20 {
			t.Errorf("it was tried %d times in a day", attempts)
		}
		if !g.resting() {
			t.Error("it is not resting")
		}
		passed(t, g)(nil)
		if g.resting() {
			t.Error("it rests after a success")
		}
	})
}

// TestGate_LetsNoStampedeThrough: of many that wait, one goes ahead to see, and then so many a second.
func TestGate_LetsNoStampedeThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const waiting = 1000
		g := newGate()
		for range tolerated + 1 {
			passed(t, g)(errDown)
		}
		var through atomic.Int64
		release := make(chan struct{})
		for range waiting {
			go func() {
				done := passed(t, g)
				through.Add(1)
				<-release
				done(nil)
			}()
		}
		time.Sleep(2 * longestPause) //nolint:forbidigo // the bubble's clock
		if n := through.Load(); n != 1 {
			t.Errorf("%d went ahead", n)
		}
		start := time.Now()
		close(release)
		time.Sleep(5 * time.Second) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		if n := through.Load(); n > 5*maxRate+2*workers {
			t.Errorf("%d within five seconds", n)
		}
		for through.Load() < waiting {
			time.Sleep(time.Second) //nolint:forbidigo // the bubble's clock
		}
		synctest.Wait()
		t.Logf("all %d in %v", waiting, time.Since(start))
	})
}

// TestGate_BoundsTheRate of what goes well.
func TestGate_BoundsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, start := newGate(), time.Now()
		for range 10 * maxRate {
			passed(t, g)(nil)
		}
		if took := time.Since(start); took < 9*time.Second {
			t.Errorf("%d passed in %v", 10*maxRate, took)
		}
	})
}

func TestGate_HonoursRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		passed(t, g)(&UnavailableError{Status: 429, RetryAfter: 10 * time.Minute})
		start := time.Now()
		passed(t, g)(nil)
		if waited := time.Since(start); waited != 10*time.Minute {
			t.Errorf("it waited for %v", waited)
		}
	})
}

// TestGate_IsNotHeldBySingleReports: neither by one that fails again and again between others, nor by refusals.
func TestGate_IsNotHeldBySingleReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, start := newGate(), time.Now()
		for range 10 {
			passed(t, g)(errDown)
			passed(t, g)(errUnsent)
			passed(t, g)(nil)
			for range 5 {
				passed(t, g)(&RefusedError{404})
			}
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestGate_EndsWithTheLeadership(t *testing.T) {
	g := newGate()
	passed(t, g)(&UnavailableError{Status: 503, RetryAfter: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.pass(ctx); err == nil {
		t.Error("it passed")
	}
}
