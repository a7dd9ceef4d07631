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

	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
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

func inTime(t *testing.T, c <-chan struct{}, limit time.Duration, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(limit):
		t.Fatalf("%s: not within %v", what, limit)
	}
}

func TestLease_PassesToTheNextReplica(t *testing.T) {
	long := LeaseTimes{Duration: time.Minute, RenewDeadline: 40 * time.Second, RetryPeriod: time.Second}
	first := startReplica(t, "passes", "first", long)
	inTime(t, first.acquired, 30*time.Second, "the first replica leads")
	second := startReplica(t, "passes", "second", long)
	bound, release, ok := first.lease.Bind(t.Context())
	defer release()
	if _, _, leads := second.lease.Bind(t.Context()); !ok || leads {
		t.Errorf("the first leads: %v, the second: %v", ok, leads)
	}
	first.stop()
	if bound.Err() == nil {
		t.Error("what was bound to the leadership goes on")
	}
	if _, _, leads := first.lease.Bind(t.Context()); leads {
		t.Error("the first still leads")
	}
	inTime(t, second.acquired, long.Duration/2, "the second takes over without waiting for the lease to expire")
	if _, _, leads := second.lease.Bind(t.Context()); !leads {
		t.Error("the second does not lead")
	}
}

func TestLease_HoldEndsWithItsOwnContext(t *testing.T) {
	r := startReplica(t, "own-context", "first", shortTimes)
	inTime(t, r.acquired, 30*time.Second, "it leads")
	ctx, cancel := context.WithCancel(t.Context())
	bound, release, _ := r.lease.Bind(ctx)
	defer release()
	other, releaseOther, _ := r.lease.Bind(t.Context())
	cancel()
	inTime(t, bound.Done(), 30*time.Second, "the bound context ends")
	if other.Err() != nil {
		t.Error("another one has ended too")
	}
	releaseOther()
	if other.Err() == nil {
		t.Error("release did not end it")
	}
}

// Where the API server hangs, the leader must know that it leads no more before another replica may.
func TestLease_EndsBeforeItExpires(t *testing.T) {
	// Who tried to renew a second time, or to release, would lead for longer than the lease lasts.
	times := LeaseTimes{Duration: 20 * time.Second, RenewDeadline: 12 * time.Second, RetryPeriod: 200 * time.Millisecond}
	cluster, r := shared.Cluster(t), startReplica(t, "expires", "first", times)
	inTime(t, r.acquired, 30*time.Second, "it leads")
	bound, release, _ := r.lease.Bind(t.Context())
	defer release()
	cluster.PauseAPIServer()
	resume := sync.OnceFunc(cluster.ResumeAPIServer)
	defer resume()
	inTime(t, bound.Done(), times.Duration, "the leadership ends")
	resume()
	inTime(t, r.acquired, 30*time.Second, "it leads again")
	if _, _, leads := r.lease.Bind(t.Context()); !leads {
		t.Error("it does not lead again")
	}
}

// A replica goes by its own clock from when it sees a lease renewed: a leader whose clock is slow is not ousted, and one whose
// clock is fast does not keep the lease when it is gone.
func TestLease_LastsByWhateverClock(t *testing.T) {
	start, successors := time.Now(), map[time.Duration]*replica{}
	for _, off := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		holder, seconds, at := "of-another-clock", int32(shortTimes.Duration/time.Second), metav1.NewMicroTime(start.Add(off))
		lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "default", GenerateName: "clock-"}}
		lease.Spec = coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, AcquireTime: &at, RenewTime: &at}
		must(t, clustertest.Client(t, shared.Cluster(t).Config()).Create(t.Context(), lease))
		successors[off] = startReplica(t, lease.Name, "next", shortTimes)
	}
	for off, next := range successors {
		inTime(t, next.acquired, 30*time.Second, "the lease expires")
		if took := time.Since(start); took < shortTimes.Duration {
			t.Errorf("a lease of %v, whose holder's clock is off by %v, was taken after %v", shortTimes.Duration, off, took)
		}
	}
}
