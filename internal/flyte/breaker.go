package flyte

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sony/gobreaker/v2"
)

const (
	// breakAfter is how many projects in a row must fail to be ensured before Flyte is left in peace.
	breakAfter = 5
	// breakFor is for how long. Then one project is tried, and its success lets the others go on.
	breakFor = 2 * time.Second
)

// newBreaker counts as failures only what says that Flyte is unavailable: a refusal is an answer, too.
func newBreaker() *gobreaker.CircuitBreaker[bool] {
	return gobreaker.NewCircuitBreaker[bool](gobreaker.Settings{
		Timeout:      breakFor,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakAfter },
		IsSuccessful: func(err error) bool { return !errors.Is(err, ErrUnavailable) },
		IsExcluded:   func(err error) bool { return errors.Is(err, context.Canceled) },
	})
}

// unbroken does what the breaker lets through; what it doesn't is ErrUnavailable.
func (c *Client) unbroken(do func() (bool, error)) (bool, error) {
	changed, err := c.breaker.Execute(do)
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return false, fmt.Errorf("asking Flyte: %w: it has not answered lately", ErrUnavailable)
	}
	return changed, err
}
