package deploy_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// TestLockTimes_Hold: what holds a lock is stopped when somebody else has it, and before somebody can take it over since it was not renewed
// for its duration, even if the request to renew it hangs.
func TestLockTimes_Hold(t *testing.T) {
	t.Parallel()
	errGone, times := errors.New("gone"), deploy.LockTimes{Duration: 15 * time.Second, Renewal: 3 * time.Second}
	for name, c := range map[string]struct {
		renew    func(context.Context) error
		min, max time.Duration
	}{
		"gone":    {func(context.Context) error { return errGone }, 0, 0},
		"refused": {func(context.Context) error { return errors.New("no leader") }, times.Renewal, times.Duration - 1},
		"hanging": {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, times.Renewal, times.Duration - 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begin, released := time.Now(), false
				locked, unlock := times.Hold(t.Context(), c.renew, func(err error) bool { return errors.Is(err, errGone) },
					func() { released = true })
				<-locked.Done()
				if held := time.Since(begin); held < c.min || held > c.max || !deploy.IsLockLost(locked) {
					t.Errorf("it ended after %s: %v", held, context.Cause(locked))
				}
				unlock()
				if !released {
					t.Error("it was not released")
				}
			})
		})
	}
}
