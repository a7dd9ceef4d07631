package e2e

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster/service"
)

// firstReplica is the pod of the shared service; takeover is how soon a killed leader is replaced.
const (
	firstReplica = "workspace-flyte-integration-0"
	takeover     = 25 * time.Second
)

// leader is the pod that holds the lease, or "".
func leader(ctx context.Context) string {
	var lease coordinationv1.Lease
	err := world.admin.Get(ctx, client.ObjectKey{Namespace: service.Namespace, Name: "workspace-flyte-integration"}, &lease)
	if err != nil || lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// replica is one of several, which may be killed. Its lives are counted: a request that was cut off by a kill is told from one
// that a living replica left without an answer.
type replica struct {
	*service.Service

	pod   string
	lives int
	alive bool
}

// replicas are the shared service and others beside it.
type replicas struct {
	mu   sync.Mutex
	all  []*replica
	next int

	taken, busy, cut atomic.Int64
}

// startReplicas starts others beside the shared service, which leads. They end with the test.
func startReplicas(t *testing.T, pods ...string) *replicas {
	t.Helper()
	eventually(t, "the first replica to lead", func(ctx context.Context) bool { return leader(ctx) == firstReplica })
	rs := &replicas{all: []*replica{{Service: world.service, pod: firstReplica, alive: true}}}
	for _, pod := range pods {
		s, err := world.service.Replica(t.Context(), pod)
		if err != nil {
			t.Fatal(err)
		}
		other := &replica{Service: s, pod: pod}
		rs.all = append(rs.all, other)
		rs.start(t, other)
		t.Cleanup(s.Stop)
	}
	t.Cleanup(func() { // of a test that failed with the shared service killed
		if first := rs.all[0]; !first.alive {
			if err := first.Start(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		}
	})
	return rs
}

// start starts a replica that was killed, or never lived.
func (rs *replicas) start(t *testing.T, r *replica) {
	t.Helper()
	service.Sender.CloseIdleConnections() // those to its last life
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r.alive, r.lives = true, r.lives+1
}

// kill ends a replica as SIGKILL does.
func (rs *replicas) kill(r *replica) {
	rs.mu.Lock()
	r.alive = false
	rs.mu.Unlock()
	r.Kill()
}

// pick takes the living replicas in turns.
func (rs *replicas) pick() (r *replica, life int) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for {
		rs.next++
		if r = rs.all[rs.next%len(rs.all)]; r.alive {
			return r, r.lives
		}
	}
}

func (rs *replicas) lives(r *replica, life int) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return r.alive && r.lives == life
}

// deliver sends until a 2xx, each time to the next living replica, as a load balancer does for a sender of Standard
// Webhooks. Only a kill excuses a request without an answer, and only 503 is worth another try.
func (rs *replicas) deliver(t *testing.T, m message) {
	t.Helper()
	for t.Context().Err() == nil {
		to, life := rs.pick()
		ctx, cancel := context.WithTimeout(t.Context(), answerTimeout)
		r, err := to.Post(ctx, m.Message)
		cancel()
		switch {
		case err == nil && r.Status < http.StatusMultipleChoices:
			rs.taken.Add(1)
			return
		case err == nil && r.Status == http.StatusServiceUnavailable:
			rs.busy.Add(1)
			t.Logf("%s answers %d after %v: %s", to.pod, r.Status, r.Took, r.Body)
		case !rs.lives(to, life):
			rs.cut.Add(1)
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

// retryPause is how long a sender waits before it sends again.
const retryPause = 50 * time.Millisecond
