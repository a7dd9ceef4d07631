package k8s

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// LeaseTimes are the times of an election, by the names of client-go. A killed leader is replaced after at most Duration and
// twice RetryPeriod, to which client-go adds up to 20 % of jitter.
type LeaseTimes struct{ Duration, RenewDeadline, RetryPeriod time.Duration }

// Lease elects the one replica that reconciles. Unlike controller-runtime's own election, losing it ends only the
// leadership and not the process: while the API server is down, no replica can renew the lease, and the edge must go
// on answering.
type Lease struct {
	lock       *resourcelock.LeaseLock
	times      LeaseTimes
	elector    *leaderelection.LeaderElector
	leadership atomic.Pointer[context.Context] // it is done when the lease is lost
}

// NewLease makes the election over the Lease name in namespace. acquired is called with each leadership.
func NewLease(
	cfg *rest.Config, namespace, name, identity string, times LeaseTimes, acquired func(context.Context),
) (*Lease, error) {
	client, err := coordinationv1.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("making a client for leases: %w", err)
	}
	lock := &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: namespace, Name: name},
		Client:     client,
		LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
	}
	return newLease(lock, times, acquired)
}

// newLease leaves the release to Start: the elector would try it before it ends the leadership, and if the API
// server hangs, the leadership would then outlive the lease.
func newLease(lock *resourcelock.LeaseLock, times LeaseTimes, acquired func(context.Context)) (l *Lease, err error) {
	l = &Lease{lock: lock, times: times}
	l.elector, err = leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:          lock,
		LeaseDuration: times.Duration, RenewDeadline: times.RenewDeadline, RetryPeriod: times.RetryPeriod,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				if ctx.Err() == nil { // a leadership that ended before this was called doesn't hide the next
					l.leadership.Store(&ctx)
				}
				log.FromContext(ctx).Info("acquired the lease", "lease", lock.Describe())
				acquired(ctx)
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("electing a leader: %w", err)
	}
	return l, nil
}

// Start takes part in the election until ctx ends, and again after each leadership that was lost. At the end it releases
// the lease, so that another replica acquires it without waiting until it expires.
func (l *Lease) Start(ctx context.Context) error {
	for ctx.Err() == nil {
		l.elector.Run(ctx)
		if ctx.Err() == nil {
			log.FromContext(ctx).Info("lost the lease", "lease", l.lock.Describe())
		}
	}
	if err := l.release(context.WithoutCancel(ctx)); err != nil {
		log.FromContext(ctx).Error(err, "the next leader has to wait until the lease expires", "lease", l.lock.Describe())
	}
	return nil
}

func (l *Lease) release(ctx context.Context) error {
	if !l.elector.IsLeader() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.times.RetryPeriod)
	defer cancel()
	// A renewal that was under way when the leadership ended may still be stored.
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		record, _, err := l.lock.Get(ctx)
		if err != nil || record.HolderIdentity != l.lock.Identity() {
			return err
		}
		record.HolderIdentity, record.LeaseDurationSeconds = "", 1
		return l.lock.Update(ctx, *record)
	})
	if err != nil {
		return fmt.Errorf("releasing the lease: %w", err)
	}
	return nil
}

// Leader returns the identity of the leader, as this replica has seen it last; empty before it has.
func (l *Lease) Leader() string { return l.elector.GetLeader() }

// Bind binds ctx to the leadership: ok is false on a replica that does not lead, else the context that is returned
// ends with ctx or when the lease is lost.
func (l *Lease) Bind(ctx context.Context) (bound context.Context, release context.CancelFunc, ok bool) {
	leadership, leads := l.current()
	if !leads {
		return ctx, func() {}, false
	}
	bound, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(leadership, cancel)
	return bound, func() { stop(); cancel() }, true
}

// Leads reports whether this replica leads.
func (l *Lease) Leads() bool {
	_, leads := l.current()
	return leads
}

// current returns the context of the leadership, if this replica leads.
func (l *Lease) current() (leadership context.Context, leads bool) {
	stored := l.leadership.Load()
	if stored == nil || (*stored).Err() != nil {
		return nil, false
	}
	return *stored, true
}
