package workspace

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// model is what the contract says of a history, told without any order: each register by its highest version.
func model(history []Event) v1alpha1.WorkspaceSpec {
	spec := v1alpha1.WorkspaceSpec{Tier: "standard", State: "Active"}
	states := map[EventType]v1alpha1.State{
		"workspace.created": "Active", "workspace.resumed": "Active", "workspace.suspended": "Suspended", "workspace.deleted": "Deleted",
	}
	for _, e := range history {
		content := e.Type == "workspace.created" || e.Type == "workspace.updated"
		if content && e.Data.Version > spec.Version {
			spec.Version, spec.DisplayName, spec.Members = e.Data.Version, v1alpha1.Text(e.Data.Name), e.Data.Members
			spec.Labels = map[string]v1alpha1.LabelValue{"name": v1alpha1.LabelValue(e.Data.Labels["name"])}
		}
		if state := states[e.Type]; state != "" && e.Data.Version > spec.StateVersion {
			spec.StateVersion, spec.State = e.Data.Version, state
		}
	}
	return spec
}

// eventAt returns an event whose content shows its version.
func eventAt(kind EventType, version int64) Event {
	e := Event{Type: kind, Data: Data{WorkspaceID: "ws-001", Version: version}}
	if kind.HasContent() {
		e.Data.Name = fmt.Sprintf("name-%d", version)
		e.Data.Labels = map[string]string{"name": e.Data.Name}
		e.Data.Members = []v1alpha1.Member{{Kind: v1alpha1.MemberUser, Name: v1alpha1.Text(e.Data.Name), Role: v1alpha1.RoleAdmin}}
	}
	return e
}

func deliveryOf(e Event) Delivery {
	return NewDelivery(fmt.Sprint("msg_", e.Data.Version), []byte(e.Type), received)
}

// store acts as the API server: it sets the resourceVersion of an accepted Workspace, and drops other changes.
type store struct{ w *v1alpha1.Workspace }

func (s *store) record(e Event, d Delivery) (Outcome, error) {
	w := New(e.Data.WorkspaceID)
	if s.w != nil {
		w = s.w.DeepCopy()
	}
	outcome, err := Record(w, e, d)
	if outcome == OutcomeAccepted && err == nil {
		w.ResourceVersion = "1"
		s.w = w
	}
	return outcome, err
}

var stateful = []EventType{EventCreated, EventUpdated, EventSuspended, EventResumed, EventDeleted}

// drawHistory draws up to maxLen events of different versions, and sent: the same events in any order, with repeats.
func drawHistory(t *rapid.T, maxLen int) (history, sent []Event) {
	versions := rapid.SliceOfNDistinct(rapid.Int64Range(1, 60), 1, maxLen, rapid.ID).Draw(t, "versions")
	history = make([]Event, len(versions))
	for i, version := range versions {
		history[i] = eventAt(rapid.SampledFrom(stateful).Draw(t, "type"), version)
	}
	repeats := rapid.SliceOfN(rapid.SampledFrom(history), 0, 2*len(history)).Draw(t, "repeats")
	return history, rapid.Permutation(append(slices.Clone(history), repeats...)).Draw(t, "order")
}

func TestRecord_EndsTheSameInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history, sent := drawHistory(t, 20)
		var s store
		for _, e := range sent {
			if _, err := s.record(e, deliveryOf(e)); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(model(history), s.w.Spec); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestRecord_SixOrdersOfThree(t *testing.T) {
	a, b, c := eventAt(EventCreated, 1), eventAt(EventUpdated, 2), eventAt(EventSuspended, 3)
	want := v1alpha1.WorkspaceSpec{
		Version: 2, DisplayName: "name-2", Tier: "standard", Members: b.Data.Members,
		Labels: map[string]v1alpha1.LabelValue{"name": "name-2"}, State: "Suspended", StateVersion: 3,
	}
	for _, order := range [][]Event{{a, b, c}, {a, c, b}, {b, a, c}, {b, c, a}, {c, a, b}, {c, b, a}} {
		var s store
		for _, e := range order {
			if _, err := s.record(e, deliveryOf(e)); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, s.w.Spec); diff != "" {
			t.Errorf("%v: %s", order, diff)
		}
	}
}

func TestRecord_FirstEvent(t *testing.T) {
	tests := []struct {
		event Event
		want  v1alpha1.WorkspaceSpec
	}{
		{eventAt(EventUpdated, 5), model([]Event{eventAt(EventUpdated, 5)})}, // Active, state version 0
		{eventAt(EventSuspended, 5), v1alpha1.WorkspaceSpec{Tier: "standard", State: "Suspended", StateVersion: 5}},
		{eventAt(EventDeleted, 5), v1alpha1.WorkspaceSpec{Tier: "standard", State: "Deleted", StateVersion: 5}},
		{Event{Type: EventCreated, Data: Data{Name: "A"}}, v1alpha1.WorkspaceSpec{DisplayName: "A", Tier: "standard", State: "Active"}},
	}
	for _, test := range tests {
		t.Run(string(test.event.Type), func(t *testing.T) {
			var s store
			if outcome, err := s.record(test.event, Delivery{}); outcome != OutcomeAccepted || err != nil {
				t.Fatal(outcome, err)
			}
			if diff := cmp.Diff(test.want, s.w.Spec); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A late create must not undo a deletion, and an update must not resume.
func TestRecord_StaleEventsChangeNothing(t *testing.T) {
	tests := []struct {
		name    string
		first   []Event
		event   Event
		outcome Outcome
	}{
		{"created before the deletion", []Event{eventAt(EventUpdated, 4), eventAt(EventDeleted, 5)}, eventAt(EventCreated, 3), OutcomeStale},
		{"the same version again", []Event{eventAt(EventCreated, 5)}, eventAt(EventUpdated, 5), OutcomeStale},
		{"suspended before resumed", []Event{eventAt(EventResumed, 5)}, eventAt(EventSuspended, 4), OutcomeStale},
		{"/provision of what is known", []Event{eventAt(EventSuspended, 5)}, eventAt(EventCreated, 0), OutcomeStale},
		{"content for a deleted one", []Event{eventAt(EventDeleted, 5)}, eventAt(EventCreated, 3), OutcomeAccepted},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var s store
			for _, e := range test.first {
				if _, err := s.record(e, deliveryOf(e)); err != nil {
					t.Fatal(err)
				}
			}
			before := s.w.DeepCopy()
			outcome, err := s.record(test.event, Delivery{ID: "other"})
			if outcome != test.outcome || err != nil {
				t.Fatal(outcome, err)
			}
			if diff := cmp.Diff(before, s.w); test.outcome == OutcomeStale && diff != "" {
				t.Error(diff)
			}
			if before.Spec.State != s.w.Spec.State {
				t.Errorf("the state is %s, was %s", s.w.Spec.State, before.Spec.State)
			}
		})
	}
}

// The whole content is replaced: nothing of an earlier one stays.
func TestRecord_ReplacesTheContentWhole(t *testing.T) {
	e := sampleEvent()
	w := stored(t, e)
	w.ResourceVersion = "1"
	next := Event{Type: EventUpdated, Data: Data{WorkspaceID: "ws-001", Version: 8, Name: "B"}}
	if _, err := Record(w, next, Delivery{ID: "msg_2"}); err != nil {
		t.Fatal(err)
	}
	want := v1alpha1.WorkspaceSpec{DisplayName: "B", Tier: "standard", Version: 8, State: "Active", StateVersion: 7}
	if diff := cmp.Diff(want, w.Spec); diff != "" {
		t.Error(diff)
	}
	if !maps.Equal(e.Data.Labels, sampleEvent().Data.Labels) {
		t.Error("the event was changed")
	}
}
