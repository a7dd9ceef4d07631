package crash

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

const (
	// answerTimeout is when a sender gives up; Standard Webhooks recommends 15 to 30 seconds.
	answerTimeout = 20 * time.Second
	// retryPause is how long a sender waits before it sends again.
	retryPause = 50 * time.Millisecond
)

// replica is one of several. Its starts are counted, so that a request that a kill cut off is distinguished from one that a living
// replica left without an answer.
type replica struct {
	*service.Service

	pod    string
	starts int
	alive  bool
}

// replicas are the service and others beside it.
type replicas struct {
	// taken, unavailable and cutOff count the requests that were answered 2xx, 503, or not at all because of a kill.
	taken, unavailable, cutOff atomic.Int64

	env  *harness.Env
	mu   sync.Mutex
	all  []*replica
	next int
}

// startReplicas starts others beside the service, which leads. They end with the test.
func startReplicas(t *testing.T, pods ...string) *replicas {
	t.Helper()
	e := shared.Env()
	harness.Eventually(t, harness.FirstPod+" to lead", func(ctx context.Context) bool { return e.Leader(ctx) == harness.FirstPod })
	rs := &replicas{env: e, all: []*replica{{Service: e.Service, pod: harness.FirstPod, alive: true}}}
	for _, pod := range pods {
		s, err := e.Service.Replica(t.Context(), pod)
		harness.Must(t, err)
		other := &replica{Service: s, pod: pod}
		rs.all = append(rs.all, other)
		rs.start(t, other)
		t.Cleanup(s.Stop)
	}
	t.Cleanup(func() { // of a test that failed while the service was killed
		if first := rs.all[0]; !first.alive {
			if err := first.Service.Start(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		}
	})
	return rs
}

// start starts a replica that was killed or never started.
func (rs *replicas) start(t *testing.T, r *replica) {
	t.Helper()
	service.Sender.CloseIdleConnections() // those to the process that was killed
	harness.Must(t, r.Service.Start(t.Context()))
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r.alive, r.starts = true, r.starts+1
}

// kill ends a replica as SIGKILL does.
func (rs *replicas) kill(r *replica) {
	rs.mu.Lock()
	r.alive = false
	rs.mu.Unlock()
	r.Service.Kill()
}

// leader waits until one of the replicas leads.
func (rs *replicas) leader(t *testing.T) (leader *replica) {
	t.Helper()
	harness.Eventually(t, "a replica to lead", func(ctx context.Context) bool {
		pod := rs.env.Leader(ctx)
		for _, r := range rs.all {
			if r.pod == pod {
				leader = r
			}
		}
		return leader != nil
	})
	return leader
}

// pick takes the living replicas in turns.
func (rs *replicas) pick() (r *replica, start int) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for {
		rs.next++
		if r = rs.all[rs.next%len(rs.all)]; r.alive {
			return r, r.starts
		}
	}
}

func (rs *replicas) lives(r *replica, start int) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return r.alive && r.starts == start
}

// deliver sends until a 2xx, each time to the next living replica, as a load balancer does for a sender of Standard Webhooks. Only a
// kill excuses a request without an answer, and only a 503 is sent again.
func (rs *replicas) deliver(t *testing.T, m service.Message) {
	t.Helper()
	for t.Context().Err() == nil {
		to, start := rs.pick()
		ctx, cancel := context.WithTimeout(t.Context(), answerTimeout)
		r, err := to.Post(ctx, m)
		cancel()
		switch {
		case err == nil && r.Status < http.StatusMultipleChoices:
			rs.taken.Add(1)
			return
		case err == nil && r.Status == http.StatusServiceUnavailable:
			rs.unavailable.Add(1)
			t.Logf("%s answers %d after %v: %s", to.pod, r.Status, r.Took, r.Body)
		case !rs.lives(to, start):
			rs.cutOff.Add(1)
		case t.Context().Err() == nil:
			t.Errorf("%s lives, and answers %+v %v", to.pod, r, err)
			return
		}
		select {
		case <-time.After(retryPause):
		case <-t.Context().Done():
		}
	}
}
