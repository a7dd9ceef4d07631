package clustertest

import (
	"context"
	"errors"
	"testing"
	"time"
)

// Polls are soon repeated, and then less and less often: each costs the API server something, and many tests poll at the same time.
const (
	firstPoll = 10 * time.Millisecond
	lastPoll  = 250 * time.Millisecond
	patience  = 3 * time.Minute
)

// Eventually polls until the condition returns nil, and fails the test with its last error after some minutes.
func Eventually(t testing.TB, condition func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var last error
	for pause := firstPoll; ; pause = min(lastPoll, pause*3/2) {
		err := condition(ctx)
		switch {
		case err == nil:
			return
		case last == nil || !errors.Is(err, context.DeadlineExceeded): // which says nothing
			last = err
		}
		select {
		case <-ctx.Done():
			t.Fatal(last)
		case <-time.After(pause):
		}
	}
}
