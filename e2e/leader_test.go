package e2e

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

var (
	leaderKills = flag.Int("leader-kills", 3, "how often TestLeaderKilled kills the leader")
	everyLease  = flag.Bool("every-lease", false, "let it wait until each lease expires, not only the first one")
)

const (
	// streams is how many workspaces change all the time, streamPace how often each of them does.
	streams    = 12
	streamPace = 400 * time.Millisecond
)

// TestLeaderKilled kills the leader of three replicas again and again, while signed webhooks go round those that are alive.
// These take what comes while nobody leads, one of them leads soon, and in the end all that was accepted has its effect, once.
func TestLeaderKilled(t *testing.T) {
	rs := startReplicas(t, "workspace-flyte-integration-1", "workspace-flyte-integration-2")
	load := rs.stream(t)
	for n := range *leaderKills {
		expires := n == 0 || *everyLease
		took := rs.killLeader(t, fmt.Sprintf("leaderless-%d", n), expires)
		t.Logf("a replica led after %v, %d webhooks later; what arrived meanwhile was Ready after %v (lease waited for: %v)",
			took.leads, took.taken, took.ready, expires)
		if took.leads > takeover {
			t.Errorf("a replica led after %v, docs/operations.md says %v", took.leads, takeover)
		}
		if took.taken == 0 && expires {
			t.Error("nothing was taken while nobody led")
		}
	}
	for id, version := range load.end() {
		w := settled(t, id, v1alpha1.ReasonReady)
		if w.Spec.Version != version || w.Generation != version {
			t.Errorf("%s was sent %d times, and ends with version %d after %d changes", id, version, w.Spec.Version, w.Generation)
		}
	}
	t.Logf("%d webhooks taken, the slowest after %v; %d attempts cut off by a kill, %d answered 503",
		rs.taken.Load(), load.slowest, rs.cut.Load(), rs.busy.Load())
}

// handover is how long after the leader's kill another one leads, and a workspace is Ready that arrived in between, and how
// many webhooks were taken until it led.
type handover struct {
	leads, ready time.Duration
	taken        int64
}

// killLeader kills the leader, and starts it again when another one has done its work.
func (rs *replicas) killLeader(t *testing.T, id string, expires bool) (took handover) {
	t.Helper()
	old, killed := rs.leader(t), time.Now()
	if expires {
		rs.kill(old)
	} else {
		rs.usurp(t, old)
	}
	before := rs.taken.Load()
	rs.deliver(t, newMessage(t, workspace.EventCreated, team(id, 1)))
	eventually(t, "another leader than "+old.pod, func(ctx context.Context) bool {
		now := leader(ctx)
		return now != "" && now != old.pod
	})
	took.leads, took.taken = time.Since(killed), rs.taken.Load()-before
	settled(t, id, v1alpha1.ReasonReady)
	took.ready = time.Since(killed)
	rs.start(t, old)
	return took
}

// usurp kills the leader, and deletes the lease, so that nobody has to wait until that expires.
func (rs *replicas) usurp(t *testing.T, leads *replica) {
	t.Helper()
	rs.kill(leads)
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: service.Namespace, Name: "workspace-flyte-integration"}}
	if err := world.admin.Delete(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
}

// leader waits until one of the replicas leads.
func (rs *replicas) leader(t *testing.T) (leads *replica) {
	t.Helper()
	eventually(t, "a replica to lead", func(ctx context.Context) bool {
		pod := leader(ctx)
		for _, r := range rs.all {
			if r.pod == pod {
				leads = r
			}
		}
		return leads != nil
	})
	return leads
}

// stream is a load of webhooks that goes on until its end.
type stream struct {
	over    chan struct{}
	once    sync.Once
	senders sync.WaitGroup

	mu       sync.Mutex
	versions map[string]int64
	slowest  time.Duration
}

// stream changes some workspaces, each again and again, every change when the last one was taken.
func (rs *replicas) stream(t *testing.T) *stream {
	t.Helper()
	s := &stream{over: make(chan struct{}), versions: map[string]int64{}}
	for i := range streams {
		id := fmt.Sprintf("stream-%d", i)
		s.senders.Go(func() {
			pace := time.NewTicker(streamPace)
			defer pace.Stop()
			for v := int64(1); t.Context().Err() == nil; v++ {
				kind := workspace.EventUpdated
				if v == 1 {
					kind = workspace.EventCreated
				}
				m, start := newMessage(t, kind, version(kind, id, v).Data), time.Now()
				rs.deliver(t, m)
				s.note(id, v, time.Since(start))
				select {
				case <-pace.C:
				case <-s.over:
					return
				}
			}
		})
	}
	t.Cleanup(func() { s.end() })
	return s
}

func (s *stream) note(id string, version int64, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.versions[id], s.slowest = version, max(s.slowest, took)
}

// end tells the last version of each workspace that was taken.
func (s *stream) end() map[string]int64 {
	s.once.Do(func() { close(s.over) })
	s.senders.Wait()
	return s.versions
}
