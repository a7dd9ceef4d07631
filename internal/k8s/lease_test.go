package k8s

import (
	"context"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typed "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// replica takes part in an election with short times.
type replica struct {
	lease    *Lease
	acquired chan struct{}
	stop     func()
}

var shortTimes = LeaseTimes{Duration: 3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 200 * time.Millisecond}

func startReplica(t *testing.T, lease, identity string, times LeaseTimes) *replica {
	t.Helper()
	api, err := typed.NewForConfig(shared.Cluster(t).Config())
	must(t, err)
	r := &replica{acquired: make(chan struct{}, 10)}
	r.lease, err = newLease(&resourcelock.LeaseLock{
		LeaseMeta: metav1.ObjectMeta{Namespace: "default", Name: lease}, Client: api,
		LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
	}, times, func(context.Context) { r.acquired <- struct{}{} })
	must(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error)
	go func() { ended <- r.lease.Start(ctx) }()
	r.stop = sync.OnceFunc(func() { cancel(); must(t, <-ended) })
	t.Cleanup(r.stop)
	return r
}

func waitFor(t *testing.T, c <-chan struct{}, limit time.Duration, event string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(limit):
		t.Fatalf("%s: not within %v", event, limit)
	}
}

func TestLease_IsReleasedToNextReplica(t *testing.T) {
	long := LeaseTimes{Duration: time.Minute, RenewDeadline: 40 * time.Second, RetryPeriod: time.Second}
	first := startReplica(t, "passes", "first", long)
	waitFor(t, first.acquired, 30*time.Second, "the first replica acquires the lease")
	second := startReplica(t, "passes", "second", long)
	bound, release, ok := first.lease.Bind(t.Context())
	defer release()
	if _, _, leads := second.lease.Bind(t.Context()); !ok || leads {
		t.Errorf("the first replica leads: %v, the second: %v", ok, leads)
	}
	first.stop()
	if bound.Err() == nil {
		t.Error("the bound context did not end with the leadership")
	}
	if _, _, leads := first.lease.Bind(t.Context()); leads {
		t.Error("the first replica still leads")
	}
	waitFor(t, second.acquired, long.Duration/2, "the second replica acquires the released lease before it expires")
	if _, _, leads := second.lease.Bind(t.Context()); !leads {
		t.Error("the second replica does not lead")
	}
}

func TestLease_BoundContextEndsWithParent(t *testing.T) {
	r := startReplica(t, "own-context", "first", shortTimes)
	waitFor(t, r.acquired, 30*time.Second, "it leads")
	ctx, cancel := context.WithCancel(t.Context())
	bound, release, _ := r.lease.Bind(ctx)
	defer release()
	other, releaseOther, _ := r.lease.Bind(t.Context())
	cancel()
	waitFor(t, bound.Done(), 30*time.Second, "the bound context ends")
	if other.Err() != nil {
		t.Error("another bound context has ended too")
	}
	releaseOther()
	if other.Err() == nil {
		t.Error("release did not end the bound context")
	}
}

// If the API server hangs, the leadership ends before the lease expires and another replica may acquire it.
func TestLease_LeadershipEndsBeforeLeaseExpires(t *testing.T) {
	// With these times, a second attempt to renew, or to release, would outlast the lease.
	times := LeaseTimes{Duration: 20 * time.Second, RenewDeadline: 12 * time.Second, RetryPeriod: 200 * time.Millisecond}
	cluster, r := shared.Cluster(t), startReplica(t, "expires", "first", times)
	waitFor(t, r.acquired, 30*time.Second, "it leads")
	bound, release, _ := r.lease.Bind(t.Context())
	defer release()
	cluster.PauseAPIServer()
	resume := sync.OnceFunc(cluster.ResumeAPIServer)
	defer resume()
	waitFor(t, bound.Done(), times.Duration, "the leadership ends")
	resume()
	waitFor(t, r.acquired, 30*time.Second, "the replica acquires the lease again")
	if _, _, leads := r.lease.Bind(t.Context()); !leads {
		t.Error("the replica does not lead again")
	}
}

// A replica measures the lease by its own clock, from the renewal that it observes. The holder's clock neither shortens nor
// prolongs the lease.
func TestLease_ToleratesClockSkew(t *testing.T) {
	start, successors := time.Now(), map[time.Duration]*replica{}
	for _, skew := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		holder, seconds, at := "skewed-clock", int32(shortTimes.Duration/time.Second), metav1.NewMicroTime(start.Add(skew))
		lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "default", GenerateName: "clock-"}}
		lease.Spec = coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, AcquireTime: &at, RenewTime: &at}
		must(t, shared.Admin(t).Create(t.Context(), lease))
		successors[skew] = startReplica(t, lease.Name, "next", shortTimes)
	}
	for skew, next := range successors {
		waitFor(t, next.acquired, 30*time.Second, "the lease expires")
		if took := time.Since(start); took < shortTimes.Duration {
			t.Errorf("a lease of %v, whose holder's clock is skewed by %v, was acquired after %v", shortTimes.Duration, skew, took)
		}
	}
}
