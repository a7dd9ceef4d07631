package life

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"testing"

	"pgregory.net/rapid"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/e2e/model"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestAnyHistoryEqualsTheModel sends events in any order and with any repeats, each delivery to one of two replicas: every answer, and the
// Workspace in the end, are the model's.
func TestAnyHistoryEqualsTheModel(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	replica, err := env.Service.Replica(t.Context(), "workspace-flyte-integration-1")
	harness.Must(t, err)
	harness.Must(t, replica.Start(t.Context()))
	t.Cleanup(replica.Stop)
	if flag.Lookup("rapid.checks").Value.String() == flag.Lookup("rapid.checks").DefValue {
		harness.Must(t, flag.Set("rapid.checks", "25"))
	}

	replicas, n := []*service.Service{env.Service, replica}, 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		id, m := fmt.Sprintf("history-%d", n), model.Model{}
		for _, d := range drawDeliveries(t, id) {
			want := m.Receive(d.message.ID, d.event)
			if got := d.answer(t, replicas[rapid.IntRange(0, 1).Draw(t, "replica")], want); got != want {
				t.Fatalf("%s@%d is answered %s, not %s", d.event.Type, d.event.Data.Version, got, want)
			}
		}
		var w v1alpha1.Workspace
		if err := env.Admin.Get(t.Context(), harness.Key(id), &w); err != nil {
			t.Fatal(err)
		}
		m.Check(t, &w)
	})
}

// delivery is an event on its way.
type delivery struct {
	message service.Message
	event   workspace.Event
}

// drawDeliveries draws 1 to 12 events of different versions, in any order, with repeats: the same delivery again, or the same event with
// another id.
func drawDeliveries(t *rapid.T, id string) []delivery {
	kinds := []workspace.EventType{
		workspace.EventCreated, workspace.EventUpdated, workspace.EventSuspended, workspace.EventResumed, workspace.EventDeleted,
	}
	versions := rapid.SliceOfNDistinct(rapid.Int64Range(1, 20), 1, 12, rapid.ID[int64]).Draw(t, "versions")
	var all []delivery
	for _, v := range versions {
		e := model.Event(rapid.SampledFrom(kinds).Draw(t, "type"), id, v)
		body, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rapid.IntRange(1, 3).Draw(t, "deliveries") {
			if i == 0 || rapid.Bool().Draw(t, "new id") {
				all = append(all, delivery{service.Message{ID: fmt.Sprintf("msg_%s_%d_%d", id, v, i), Body: body}, e})
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

// answer sends the delivery and returns the status in the answer. After a 503 it is sent again: if the first attempt was stored all the
// same, the second one is a duplicate, which is as good as the status that was wanted.
func (d delivery) answer(t *rapid.T, to *service.Service, want string) string {
	t.Helper()
	r, err := to.Post(t.Context(), d.message)
	if err == nil && r.Status != http.StatusServiceUnavailable {
		return r.Outcome()
	}
	if err == nil {
		r, err = to.Deliver(t.Context(), d.message)
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.Outcome() == "duplicate" {
		return want
	}
	return r.Outcome()
}
