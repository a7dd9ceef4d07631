package workspaceservice

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// breaker sends no reports while the workspace service fails or has asked to wait. It never blocks.
type breaker struct {
	circuit *gobreaker.CircuitBreaker[struct{}]
	// pausedUntil is when reports may be sent again, in nanoseconds of Unix time.
	pausedUntil atomic.Int64
}

func newBreaker() *breaker {
	b := &breaker{}
	b.circuit = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:      openTimeout,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failureThreshold },
		IsSuccessful: func(err error) bool { return err == nil || refusal(err) != nil }, // a refusal is an answer
		IsExcluded:   func(err error) bool { return errors.Is(err, context.Canceled) },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				b.pause(openTimeout)
			}
		},
	})
	return b
}

// do sends a report, or returns after what time to try again: when the circuit is open, and when it is half open and another
// report is under way.
func (b *breaker) do(send func() error) (retryAfter time.Duration, err error) {
	if wait := b.retryAfter(); wait > 0 {
		return wait, nil
	}
	_, err = b.circuit.Execute(func() (struct{}, error) { return struct{}{}, send() })
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return jitter(firstRetry), nil
	}
	b.pause(askedToWait(err))
	return 0, err
}

// retryAfter is zero if a report may be sent now. What waits for the same time is spread over some seconds.
func (b *breaker) retryAfter() time.Duration {
	if wait := time.Until(time.Unix(0, b.pausedUntil.Load())); wait > 0 {
		return wait + rand.N(openTimeout/2) //nolint:gosec // no secret
	}
	if b.circuit.State() == gobreaker.StateHalfOpen && b.circuit.Counts().Requests > 0 {
		return jitter(firstRetry)
	}
	return 0
}

// pause sends nothing for some time. A longer pause stays.
func (b *breaker) pause(d time.Duration) {
	until := time.Now().Add(d).UnixNano()
	for {
		now := b.pausedUntil.Load()
		if until <= now || b.pausedUntil.CompareAndSwap(now, until) {
			return
		}
	}
}

// isOpen reports whether reports wait: until one has succeeded after the failures.
func (b *breaker) isOpen() bool {
	return b.circuit.State() != gobreaker.StateClosed || time.Now().UnixNano() < b.pausedUntil.Load()
}
