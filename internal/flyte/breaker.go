package flyte

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sony/gobreaker/v2"
)

const (
	// failureThreshold is how many calls of EnsureProject must fail in a row before the circuit breaker opens.
	failureThreshold = 5
	// openDuration is how long it stays open. Then one call is let through, and closes it by its success.
	openDuration = 2 * time.Second
)

// newBreaker counts only systemic failures: a refusal of one project shows that Flyte works.
func newBreaker() *gobreaker.CircuitBreaker[bool] {
	return gobreaker.NewCircuitBreaker[bool](gobreaker.Settings{
		Timeout:      openDuration,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failureThreshold },
		IsSuccessful: func(err error) bool { return !isSystemic(err) },
		IsExcluded:   func(err error) bool { return errors.Is(err, context.Canceled) },
	})
}

// isSystemic reports whether an error would hit the next project, too.
func isSystemic(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnauthenticated) || errors.Is(err, ErrWrongVersion)
}

// withBreaker calls do unless the breaker is open. Then the error wraps the last failure, which is the reason.
func (c *Client) withBreaker(do func() (bool, error)) (bool, error) {
	changed, err := c.breaker.Execute(do)
	switch {
	case errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests):
		reason := ErrUnavailable
		if last := c.lastFailure.Load(); last != nil {
			reason = *last
		}
		return false, fmt.Errorf("pausing calls for up to %s after repeated failures: %w", openDuration, reason)
	case isSystemic(err):
		c.lastFailure.Store(&err)
	}
	return changed, err
}
