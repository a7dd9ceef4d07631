package workspaceservice

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// gate lets requests to the workspace service through, at most so many a second, and none while it needs rest: after
// failures in a row it pauses, each time twice as long, then lets one through to see.
type gate struct {
	limiter *rate.Limiter

	mu       sync.Mutex
	failures int
	opens    time.Time
	trying   bool
	// changed is closed when any of the above has.
	changed chan struct{}
}

func newGate() *gate {
	return &gate{limiter: rate.NewLimiter(maxRate, workers), changed: make(chan struct{})}
}

// pass waits for a turn. Whoever passed calls done with how it went.
func (g *gate) pass(ctx context.Context) (done func(error), err error) {
	for {
		if err := g.limiter.Wait(ctx); err != nil {
			return nil, err
		}
		turn := g.try() // whoever has to wait queues up again: all who waited don't go at once
		if turn.passed {
			return func(err error) { g.done(err, turn.alone) }, nil
		}
		timer := time.NewTimer(turn.wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-turn.changed:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// turn is a way through the gate, alone where it is to see, or else what to wait for.
type turn struct {
	passed, alone bool
	wait          time.Duration
	changed       <-chan struct{}
}

func (g *gate) try() turn {
	g.mu.Lock()
	defer g.mu.Unlock()
	if wait := time.Until(g.opens); wait > 0 {
		return turn{wait: wait, changed: g.changed}
	}
	if g.failures <= tolerated {
		return turn{passed: true}
	}
	if g.trying {
		return turn{wait: longestPause, changed: g.changed}
	}
	g.trying = true
	return turn{passed: true, alone: true}
}

// done notes how a request went.
func (g *gate) done(err error, alone bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failures = inARow(g.failures, err)
	wait := pause(g.failures, err)
	if opens := time.Now().Add(wait); wait > 0 && opens.After(g.opens) {
		g.opens = opens
	}
	g.trying = g.trying && !alone
	close(g.changed)
	g.changed = make(chan struct{})
}

// resting tells whether nothing is sent since too much failed.
func (g *gate) resting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failures > tolerated || time.Until(g.opens) > 0
}
