package crash

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/e2e/model"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

var (
	deliveries = flag.Int("deliveries", 200, "how many events TestEveryDeliveryHasItsEffectOnce sends")
	kills      = flag.Int("kills", 3, "how often it kills the service meanwhile")
)

const (
	// eventsPerWorkspace is fewer than a Workspace records, so that all can be checked in the end.
	eventsPerWorkspace = 20
	// longestStretch is how long the service lives at most between kills: late in a run, senders pause for longer.
	longestStretch = 5 * time.Second
	// sendersAtOnce is how many requests are sent at the same time.
	sendersAtOnce = 16
)

// TestEveryDeliveryHasItsEffectOnce sends events of every kind in no order, every tenth twice, while the service is killed again and again.
// Deliveries without a 2xx are sent again as Standard Webhooks says: the same id, a new timestamp. A watch records each state: all of them,
// not only the last one, must be the model's.
func TestEveryDeliveryHasItsEffectOnce(t *testing.T) {
	env := shared.Env()
	histories := drawHistories(*deliveries / eventsPerWorkspace)
	sent := &sending{slots: make(chan struct{}, sendersAtOnce), results: map[string][]string{}}
	var all []delivery
	for _, history := range histories {
		all = append(all, history...)
	}
	rand.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	all = append(all, all[:len(all)/10]...)
	disorder(all)

	recorded := record(t, histories)
	start := time.Now()
	var senders sync.WaitGroup
	for _, d := range all {
		senders.Go(func() { sent.untilAccepted(t, d.message) })
	}
	for n := range *kills {
		// Random on purpose: somewhere within each of the stretches between kills.
		target := int64((float64(n) + rand.Float64()) * float64(len(all)) / float64(*kills))
		stretch := time.Now()
		harness.Eventually(t, "some more deliveries", func(context.Context) bool {
			return sent.accepted.Load() >= target || time.Since(stretch) > longestStretch
		})
		env.Service.Kill()
		if err := env.Service.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	senders.Wait()
	took := time.Since(start)
	written := specWrites(env.Writes(t))
	for id, history := range histories {
		m := sent.model(t, history)
		w := env.AwaitReason(t, id, reasonOf[m.Spec().State])
		m.Check(t, w)
		sent.checkLatest(t, m, history)
		if written[id] > len(m) {
			t.Errorf("%s was written %d times for %d events", id, written[id], len(m))
		}
	}
	t.Logf("each of %d states that a watch showed is the model's", recorded.check(t))
	t.Logf("%d deliveries of %d events in %v, a SIGKILL every %v; %d attempts failed, %d answers were cut off after the write; %s",
		len(all), len(all)*10/11, took.Round(time.Millisecond), (took / time.Duration(max(*kills, 1))).Round(time.Millisecond),
		sent.failed.Load(), sent.cut, sent.answered())
}

// specWrites counts the writes of each Workspace but for those of its status.
func specWrites(writes []harness.Request) map[string]int {
	counts := map[string]int{}
	for i := range writes {
		if ref := writes[i].ObjectRef; ref.Resource == "workspaces" && ref.Subresource == "" {
			counts[ref.Name]++
		}
	}
	return counts
}

// reasonOf is the reason of the Ready condition when a state is reached.
var reasonOf = map[v1alpha1.State]string{
	v1alpha1.StateActive:    v1alpha1.ReasonReady,
	v1alpha1.StateSuspended: v1alpha1.ReasonSuspended,
	v1alpha1.StateDeleted:   v1alpha1.ReasonDeleted,
}

// delivery is an event on its way.
type delivery struct {
	message service.Message
	event   workspace.Event
}

// drawHistories draws, for each of n workspaces, events of every kind; the first version is a created, so that there
// is content in the end.
func drawHistories(n int) map[string][]delivery {
	kinds := []workspace.EventType{
		workspace.EventUpdated, workspace.EventUpdated, workspace.EventSuspended, workspace.EventResumed,
		workspace.EventCreated, workspace.EventDeleted,
	}
	histories := map[string][]delivery{}
	for i := range n {
		id := fmt.Sprintf("once-%d", i)
		for v := range int64(eventsPerWorkspace) {
			kind := workspace.EventCreated
			if v > 0 {
				kind = kinds[rand.IntN(len(kinds))]
			}
			e := model.Event(kind, id, v+1)
			body, err := json.Marshal(e)
			if err != nil {
				panic(err)
			}
			histories[id] = append(histories[id], delivery{service.Message{ID: fmt.Sprintf("msg_%s_%d", id, v+1), Body: body}, e})
		}
	}
	return histories
}

// disorder sorts the events by version and moves each a little, so that many take effect, and some are overtaken.
func disorder(all []delivery) {
	const spread = 5
	at := map[string]float64{}
	for _, d := range all {
		at[d.message.ID] = float64(d.event.Data.Version) + spread*rand.Float64()
	}
	slices.SortFunc(all, func(a, b delivery) int { return cmp.Compare(at[a.message.ID], at[b.message.ID]) })
}

// schedule are the pauses of Standard Webhooks' recommended retry schedule, [scheduleFaster] times faster.
var schedule = []time.Duration{
	0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour,
	5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

const scheduleFaster = 3000

// sending is the state that the senders share.
type sending struct {
	slots    chan struct{}
	accepted atomic.Int64
	failed   atomic.Int64
	cut      int

	mu      sync.Mutex
	results map[string][]string // the 2xx answers by delivery id
}

// untilAccepted sends until a 2xx, or until the schedule ends: then the delivery is lost.
func (s *sending) untilAccepted(t *testing.T, m service.Message) {
	t.Helper()
	defer s.accepted.Add(1)
	var r service.Reply
	var err error
	for _, pause := range schedule {
		select {
		case <-time.After(pause / scheduleFaster):
		case <-t.Context().Done():
			return
		}
		if r, err = s.once(t.Context(), m); err == nil && r.Status < http.StatusMultipleChoices {
			s.note(m.ID, r.Outcome())
			return
		}
		s.failed.Add(1)
	}
	t.Errorf("%s is lost: %+v %v", m.ID, r, err)
}

func (s *sending) note(id, outcome string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.results[id] = append(s.results[id], outcome)
}

func (s *sending) once(ctx context.Context, m service.Message) (service.Reply, error) {
	env := shared.Env()
	s.slots <- struct{}{}
	defer func() { <-s.slots }()
	return env.Service.Post(ctx, m)
}

// model has the events that took effect, as the answers show: those that were accepted, and duplicates of events whose acceptance
// was never received.
func (s *sending) model(t *testing.T, history []delivery) model.Model {
	t.Helper()
	m := model.Model{}
	for _, d := range history {
		results := s.results[d.message.ID]
		accepted := 0
		for _, r := range results {
			if r == "accepted" {
				accepted++
			}
		}
		switch {
		case accepted > 1:
			t.Errorf("%s was accepted %d times", d.message.ID, accepted)
		case accepted == 0 && slices.Contains(results, "duplicate"):
			s.cut++
		case accepted == 0:
			continue
		}
		m[d.message.ID] = d.event
	}
	return m
}

// checkLatest checks that the newest content and the newest state of the history took effect, by the answers.
func (s *sending) checkLatest(t *testing.T, effective model.Model, history []delivery) {
	t.Helper()
	everything := model.Model{}
	for _, d := range history {
		everything[d.message.ID] = d.event
	}
	if want, got := everything.Content().Data.Version, effective.Content().Data.Version; got != want {
		t.Errorf("%s ends with the content of %d, not of %d", history[0].event.Data.WorkspaceID, got, want)
	}
	if want, got := everything.State().Data.Version, effective.State().Data.Version; got != want {
		t.Errorf("%s ends with the state of %d, not of %d", history[0].event.Data.WorkspaceID, got, want)
	}
}

// answered counts the answers.
func (s *sending) answered() string {
	counts := map[string]int{}
	for _, results := range s.results {
		for _, r := range results {
			counts[r]++
		}
	}
	text := ""
	for _, outcome := range slices.Sorted(maps.Keys(counts)) {
		text += fmt.Sprintf("%d %s ", counts[outcome], outcome)
	}
	return text
}
