package crash

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/e2e/model"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

var leaderKills = flag.Int("leader-kills", 2, "how often TestLeaderKilled kills the leader")

const (
	// streams is how many workspaces change all the time, and streamPace how often each of them does.
	streams    = 12
	streamPace = 400 * time.Millisecond
)

// TestLeaderKilled kills the leader of three replicas again and again, while signed webhooks are sent to the living ones in turns. These
// answer all of them while no replica leads, one of them leads soon, and everything that was accepted takes effect once.
func TestLeaderKilled(t *testing.T) {
	env := shared.Env()
	rs := startReplicas(t, harness.Release+"-1", harness.Release+"-2")
	load := rs.stream(t)
	for n := range *leaderKills {
		took := rs.killLeader(t, fmt.Sprintf("leaderless-%d", n))
		t.Logf("a replica led after %v, %d webhooks later; a workspace that arrived meanwhile was Ready after %v",
			took.leads, took.taken, took.ready)
		if took.leads > harness.Takeover {
			t.Errorf("a replica led after %v, want %v at most", took.leads, harness.Takeover)
		}
		if took.taken == 0 {
			t.Error("no webhook was accepted while no replica led")
		}
	}
	for id, version := range load.end() {
		w := env.AwaitReason(t, id, v1alpha1.ReasonReady)
		if w.Spec.Version != version || w.Generation != version {
			t.Errorf("%s was sent %d times, and ends with version %d after %d changes", id, version, w.Spec.Version, w.Generation)
		}
	}
	t.Logf("%d webhooks accepted, the slowest after %v; %d attempts cut off by a kill, %d answered 503",
		rs.taken.Load(), load.slowest, rs.cutOff.Load(), rs.unavailable.Load())
}

// takeover is how long after the leader's kill another one leads, and a workspace is Ready that arrived in between, and how many
// webhooks were accepted until it led.
type takeover struct {
	leads, ready time.Duration
	taken        int64
}

// killLeader kills the leader, waits until its lease has expired and another one has done its work, and starts it again.
func (rs *replicas) killLeader(t *testing.T, id string) (took takeover) {
	t.Helper()
	env := shared.Env()
	old, killed := rs.leader(t), time.Now()
	rs.kill(old)
	before := rs.taken.Load()
	rs.deliver(t, harness.NewMessage(t, workspace.EventCreated, harness.Data(id, 1)))
	harness.Eventually(t, "another leader than "+old.pod, func(ctx context.Context) bool {
		now := env.Leader(ctx)
		return now != "" && now != old.pod
	})
	took.leads, took.taken = time.Since(killed), rs.taken.Load()-before
	env.AwaitReason(t, id, v1alpha1.ReasonReady)
	took.ready = time.Since(killed)
	rs.start(t, old)
	return took
}

// stream is a load of webhooks.
type stream struct {
	ended   chan struct{}
	once    sync.Once
	senders sync.WaitGroup

	mu       sync.Mutex
	versions map[string]int64
	slowest  time.Duration
}

// stream changes some workspaces again and again, each when its last change was accepted.
func (rs *replicas) stream(t *testing.T) *stream {
	t.Helper()
	s := &stream{ended: make(chan struct{}), versions: map[string]int64{}}
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
				m, start := harness.NewMessage(t, kind, model.Event(kind, id, v).Data), time.Now()
				rs.deliver(t, m)
				s.note(id, v, time.Since(start))
				select {
				case <-pace.C:
				case <-s.ended:
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

// end ends the load and returns the last version of each workspace that was accepted.
func (s *stream) end() map[string]int64 {
	s.once.Do(func() { close(s.ended) })
	s.senders.Wait()
	return s.versions
}
