package k8s

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

func (t *Target) lockKey() client.ObjectKey {
	return client.ObjectKey{Namespace: t.o.Namespace, Name: t.o.Release + "-deploy"}
}

// lock takes the lock and renews it until unlock is called. The context ends when the lock is lost.
func (t *Target) lock(ctx context.Context, steps *progress.Steps) (locked context.Context, unlock func(), err error) {
	lease := &coordinationv1.Lease{}
	err = steps.Run(ctx, "lock", func(ctx context.Context, step *progress.Step) error {
		return t.acquire(ctx, step, lease)
	})
	if err != nil {
		return nil, nil, err
	}
	renew := func(ctx context.Context) error {
		now := metav1.NowMicro()
		lease.Spec.RenewTime = &now
		return t.client.Update(ctx, lease)
	}
	isGone := func(err error) bool { return apierrors.IsConflict(err) || apierrors.IsNotFound(err) }
	locked, unlock = t.o.Lock.Hold(ctx, renew, isGone, func() { t.release(ctx, lease) })
	return locked, unlock, nil
}

// acquire creates the Lease, or takes it over once its holder no longer renews it.
func (t *Target) acquire(ctx context.Context, step *progress.Step, lease *coordinationv1.Lease) error {
	times, changed := t.o.Lock, time.Now()
	err := wait.PollUntilContextTimeout(ctx, times.Check, 2*times.Duration, true, func(ctx context.Context) (bool, error) {
		seen := lease.ResourceVersion
		err := t.client.Get(ctx, t.lockKey(), lease)
		switch {
		case apierrors.IsNotFound(err):
			*lease = coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: t.o.Namespace, Name: t.lockKey().Name}}
			hold(lease, times)
			return created(t.client.Create(ctx, lease))
		case err != nil:
			return false, fmt.Errorf("reading Lease %q: %w", t.lockKey(), err)
		case heldBy(lease) != "" && time.Since(changed) < times.Duration:
			step.Progress(0, 0, "held by "+heldBy(lease)+": finding out whether that program still runs")
			return false, alive(lease, seen)
		case heldBy(lease) != "":
			step.Summarize("taken over from %s, which no longer renews it", heldBy(lease))
		}
		hold(lease, times)
		return created(t.client.Update(ctx, lease))
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return deploy.Failf(deploy.PreflightFailed, "the lock %s is held by %s: wait until that program has ended", t.lockKey(), heldBy(lease))
	}
	return err
}

// created is the answer to a write that fails if another operator was faster.
func created(err error) (bool, error) {
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		return false, nil
	}
	return err == nil, err
}

// alive is an error if the holder has renewed the Lease since it was seen.
func alive(lease *coordinationv1.Lease, seen string) error {
	if seen == "" || seen == lease.ResourceVersion {
		return nil
	}
	return deploy.Failf(deploy.PreflightFailed, "%s has held the lock since %s: wait until that program has ended",
		heldBy(lease), lease.Spec.AcquireTime.UTC().Format(time.RFC3339))
}

func heldBy(lease *coordinationv1.Lease) string { return ptr.Deref(lease.Spec.HolderIdentity, "") }

func hold(lease *coordinationv1.Lease, times deploy.LockTimes) {
	holder, now := deploy.Operator(), metav1.NowMicro()
	lease.Spec.HolderIdentity, lease.Spec.AcquireTime, lease.Spec.RenewTime = &holder, &now, &now
	lease.Spec.LeaseDurationSeconds = new(int32(max(1, times.Duration/time.Second))) //nolint:gosec // seconds of a lock
}

// release clears the holder, even if the command was interrupted.
func (t *Target) release(ctx context.Context, lease *coordinationv1.Lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	lease.Spec.HolderIdentity, lease.Spec.AcquireTime, lease.Spec.RenewTime = nil, nil, nil
	_ = t.client.Update(ctx, lease) // otherwise the next operator waits until it has expired
}
