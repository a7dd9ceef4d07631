package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"testing"

	"pgregory.net/rapid"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestAnyHistoryEqualsTheModel sends histories in any order and with any repeats, each delivery to one of two replicas:
// every answer and the end are the model's.
func TestAnyHistoryEqualsTheModel(t *testing.T) {
	const checks = "60"
	replica, err := world.service.Replica(t.Context(), "workspace-flyte-integration-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := replica.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer replica.Stop()
	given := flag.Lookup("rapid.checks").Value.String()
	if err := flag.Set("rapid.checks", checks); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = flag.Set("rapid.checks", given) }()

	replicas, n := []*service.Service{world.service, replica}, 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		id, m := fmt.Sprintf("history-%d", n), model{}
		for _, d := range drawDeliveries(t, id) {
			want := m.receive(d.message.ID, d.event)
			if got := d.answer(t, replicas[rapid.IntRange(0, 1).Draw(t, "replica")], want); got != want {
				t.Fatalf("%s@%d is answered %s, not %s", d.event.Type, d.event.Data.Version, got, want)
			}
		}
		var w v1alpha1.Workspace
		if err := world.admin.Get(t.Context(), named(id), &w); err != nil {
			t.Fatal(err)
		}
		m.check(t, &w)
	})
}

// delivery is an event on its way.
type delivery struct {
	message message
	event   workspace.Event
}

// drawDeliveries draws a history of 1 to 12 events with versions of their own, in any order, with repeats: the same
// delivery again, or the same event under another id.
func drawDeliveries(t *rapid.T, id string) []delivery {
	kinds := []workspace.EventType{
		workspace.EventCreated, workspace.EventUpdated, workspace.EventSuspended, workspace.EventResumed, workspace.EventDeleted,
	}
	versions := rapid.SliceOfNDistinct(rapid.Int64Range(1, 20), 1, 12, rapid.ID[int64]).Draw(t, "versions")
	var all []delivery
	for _, v := range versions {
		e := version(rapid.SampledFrom(kinds).Draw(t, "type"), id, v)
		body, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rapid.IntRange(1, 3).Draw(t, "deliveries") {
			if i == 0 || rapid.Bool().Draw(t, "new id") {
				all = append(all, delivery{message{service.Message{ID: fmt.Sprintf("msg_%s_%d_%d", id, v, i), Body: body}}, e})
			} else {
				all = append(all, all[len(all)-1])
			}
		}
	}
	ordered := make([]delivery, len(all))
	for i, n := range rapid.Permutation(numbers(len(all))).Draw(t, "order") {
		ordered[i] = all[n]
	}
	return ordered
}

func numbers(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

// answer sends the delivery, and tells the status in the answer. After a 503 it is sent again: what was stored although it
// was answered so is then a duplicate, which is as good as the answer that was wanted.
func (d delivery) answer(t *rapid.T, to *service.Service, want string) string {
	t.Helper()
	r, err := to.Post(t.Context(), d.message.Message)
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != http.StatusServiceUnavailable {
		return r.Outcome()
	}
	if r, err = d.message.deliverTo(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	if r.Outcome() == "duplicate" {
		return want
	}
	return r.Outcome()
}
