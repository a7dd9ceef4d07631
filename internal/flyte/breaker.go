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

// newBreaker counts as failures only what the next call would meet too: that one project is refused is an answer.
func newBreaker() *gobreaker.CircuitBreaker[bool] {
	return gobreaker.NewCircuitBreaker[bool](gobreaker.Settings{
		Timeout:      breakFor,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakAfter },
		IsSuccessful: func(err error) bool { return !meetsAll(err) },
		IsExcluded:   func(err error) bool { return errors.Is(err, context.Canceled) },
	})
}

// meetsAll tells whether an error says more of Flyte or of us than of the project.
func meetsAll(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnauthenticated) || errors.Is(err, ErrWrongVersion)
}

// unbroken does what the breaker lets through. What it doesn't has the kind of the newest failure: the reason is the same.
func (c *Client) unbroken(do func() (bool, error)) (bool, error) {
	changed, err := c.breaker.Execute(do)
	switch {
	case errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests):
		reason := ErrUnavailable
		if broke := c.broke.Load(); broke != nil {
			reason = *broke
		}
		return false, fmt.Errorf("leaving Flyte in peace for a while: %w", reason)
	case meetsAll(err):
		c.broke.Store(&err)
	}
	return changed, err
}
