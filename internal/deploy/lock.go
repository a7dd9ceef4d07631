package deploy

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// LockTimes are the times of a target's lock. Its holder renews it every Renewal. Another program takes it over when it has not changed
// for Duration while it was watched every Check, whatever the clocks say.
type LockTimes struct{ Duration, Renewal, Check time.Duration }

// DefaultLockTimes are those that people wait for.
var DefaultLockTimes = LockTimes{Duration: 15 * time.Second, Renewal: 3 * time.Second, Check: time.Second}

// ErrLockLost is why the context of a lock ends while it is held.
var ErrLockLost = errors.New("the lock was lost: another program has taken it over, or it could not be renewed for too long")

// IsLockLost says whether a context has ended since the lock was lost.
func IsLockLost(ctx context.Context) bool { return errors.Is(context.Cause(ctx), ErrLockLost) }

// Hold renews a lock that was taken, until unlock is called, which releases it. The context ends when the lock is lost, and before anybody
// else can take it over. isGone says of an error of renew that somebody else has the lock.
func (l LockTimes) Hold(
	ctx context.Context, renew func(context.Context) error, isGone func(error) bool, release func(),
) (locked context.Context, unlock func()) {
	locked, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.keepRenewing(locked, renew, isGone, cancel)
	}()
	return locked, func() {
		cancel(nil)
		<-ended
		release()
	}
}

// keepRenewing renews the lock until ctx ends, and calls cancel when it is lost.
func (l LockTimes) keepRenewing(
	ctx context.Context, renew func(context.Context) error, isGone func(error) bool, cancel context.CancelCauseFunc,
) {
	deadline := time.Now().Add(l.Duration - l.Renewal)
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		began := time.Now()
		attempt, stop := context.WithDeadline(ctx, deadline)
		defer stop()
		err := renew(attempt)
		switch {
		case err == nil:
			deadline = began.Add(l.Duration - l.Renewal)
		case isGone(err) || !time.Now().Before(deadline):
			cancel(ErrLockLost)
		}
	}, l.Renewal)
}
