package workspaceservice

import (
	"math/rand/v2"
	"time"
)

// backoff doubles from firstRetry to lastRetry, with jitter.
func backoff(retries int) time.Duration {
	d := firstRetry
	for ; retries > 1 && d < lastRetry; retries-- {
		d *= 2
	}
	return jitter(min(d, lastRetry))
}

// jitter adds up to a half, so that what failed together is not retried together.
func jitter(d time.Duration) time.Duration {
	return d + rand.N(d/2+1) //nolint:gosec // no secret
}
