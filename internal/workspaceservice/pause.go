package workspaceservice

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// errUnsent is how a request went that was not sent after all.
var errUnsent = errors.New("nothing was sent")

// inARow is how many requests have failed in a row after another one. A refusal is no failure: the workspace service is
// there, and has answered.
func inARow(failures int, err error) int {
	_, refused := errors.AsType[*RefusedError](err)
	switch {
	case err == nil || refused:
		return 0
	case errors.Is(err, errUnsent) || errors.Is(err, context.Canceled):
		return failures
	}
	return failures + 1
}

// pause is how long nothing is sent after so many failures in a row, the last of which is err.
func pause(failures int, err error) (wait time.Duration) {
	if failures > tolerated {
		wait = spread(backoff(firstPause, longestPause, failures-tolerated))
	}
	if unavailable, ok := errors.AsType[*UnavailableError](err); ok {
		wait = max(wait, unavailable.RetryAfter)
	}
	return wait
}

// backoff doubles from first to longest.
func backoff(first, longest time.Duration, times int) time.Duration {
	for ; times > 1 && first < longest; times-- {
		first *= 2
	}
	return min(first, longest)
}

// spread adds up to a half, so that what failed together is not tried again together.
func spread(d time.Duration) time.Duration {
	return d + rand.N(d/2+1) //nolint:gosec // a spread, no secret
}
