package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// What the contract says of event types, said once more here: the model shares no code with the service.
var (
	contentOf = map[workspace.EventType]bool{workspace.EventCreated: true, workspace.EventUpdated: true}
	stateOf   = map[workspace.EventType]v1alpha1.State{
		workspace.EventCreated:   v1alpha1.StateActive,
		workspace.EventResumed:   v1alpha1.StateActive,
		workspace.EventSuspended: v1alpha1.StateSuspended,
		workspace.EventDeleted:   v1alpha1.StateDeleted,
	}
)

// model is what one Workspace must be: a function of the set of events that had an effect, without their order.
type model map[string]workspace.Event // by the id of the delivery

// receive tells what the answer to a delivery must be.
func (m model) receive(id string, e workspace.Event) string {
	_, known := m[id]
	switch {
	case known:
		return "duplicate"
	case contentOf[e.Type] && e.Data.Version > m.content().Data.Version, stateOf[e.Type] != "" && e.Data.Version > m.state().Data.Version:
		m[id] = e
		return "accepted"
	}
	return "stale"
}

// content is the event whose content holds, or a zero one.
func (m model) content() workspace.Event {
	return newest(m, func(t workspace.EventType) bool { return contentOf[t] })
}

// state is the event whose state holds, or a zero one.
func (m model) state() workspace.Event {
	return newest(m, func(t workspace.EventType) bool { return stateOf[t] != "" })
}

func newest(m model, counts func(workspace.EventType) bool) (found workspace.Event) {
	for _, e := range m {
		if counts(e.Type) && e.Data.Version > found.Data.Version {
			found = e
		}
	}
	return found
}

func (m model) spec() v1alpha1.WorkspaceSpec {
	content, state := m.content().Data, m.state()
	spec := v1alpha1.WorkspaceSpec{
		DisplayName: v1alpha1.Text(content.Name), Description: v1alpha1.Text(content.Description), Owner: v1alpha1.Text(content.Owner),
		Tier: "standard", Quota: content.Quota, Members: content.Members, Version: content.Version,
		State: v1alpha1.StateActive, StateVersion: state.Data.Version,
	}
	if state.Type != "" {
		spec.State = stateOf[state.Type]
	}
	for name, value := range content.Labels {
		spec.Labels = map[string]v1alpha1.LabelValue{name: v1alpha1.LabelValue(value)} // the histories have one at most
	}
	return spec
}

// check compares the stored Workspace: its registers, that it was written once for each event that had an effect, and
// that exactly these are noted, each once. It holds for as many events as a Workspace remembers, 32.
func (m model) check(t require, w *v1alpha1.Workspace) {
	t.Helper()
	if diff := cmp.Diff(m.spec(), w.Spec, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the spec of %s is not the model's: %s", w.Name, diff)
	}
	if w.Generation != int64(len(m)) {
		t.Errorf("%s had %d effects, of %d events", w.Name, w.Generation, len(m))
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(m)), slices.Sorted(slices.Values(notedDeliveries(t, w)))); diff != "" {
		t.Errorf("%s has noted other deliveries: %s", w.Name, diff)
	}
}

// require is what *testing.T and *rapid.T have in common.
type require interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

func notedDeliveries(t require, w *v1alpha1.Workspace) (ids []string) {
	t.Helper()
	var noted []struct{ ID string }
	if err := json.Unmarshal([]byte(w.Annotations[v1alpha1.AnnotationDeliveries]), &noted); err != nil {
		t.Fatalf("reading the deliveries of %s: %v", w.Name, err)
	}
	for _, d := range noted {
		ids = append(ids, d.ID)
	}
	return ids
}

// version is an event of that version, whose content differs from that of every other version.
func version(kind workspace.EventType, id string, version int64) workspace.Event {
	e := workspace.Event{Type: kind, Data: workspace.Data{WorkspaceID: id, Version: version}}
	if contentOf[kind] {
		e.Data = team(id, version)
		e.Data.Name = fmt.Sprintf("As of %d", version)
		e.Data.Quota.CPU = v1alpha1.Quantity(fmt.Sprint(1 + version%20))
		e.Data.Members = e.Data.Members[:version%int64(len(e.Data.Members)+1)]
		e.Data.Labels = map[string]string{"cost-center": fmt.Sprint(version)}
	}
	return e
}

// TestModel_FollowsTheContract keeps the model honest, by the contract's own examples.
func TestModel_FollowsTheContract(t *testing.T) {
	m := model{}
	for i, c := range []struct {
		id   string
		e    workspace.Event
		want string
	}{
		{"a", version(workspace.EventSuspended, "x", 3), "accepted"}, // state before content is kept
		{"b", version(workspace.EventUpdated, "x", 5), "accepted"},
		{"c", version(workspace.EventCreated, "x", 4), "accepted"}, // its state is newer, its content is not
		{"c", version(workspace.EventCreated, "x", 4), "duplicate"},
		{"d", version(workspace.EventCreated, "x", 4), "stale"},
		{"e", version(workspace.EventUpdated, "x", 2), "stale"},
		{"e", version(workspace.EventUpdated, "x", 2), "stale"},
		{"f", version(workspace.EventDeleted, "x", 6), "accepted"},
		{"g", version(workspace.EventUpdated, "x", 7), "accepted"}, // never resumes
	} {
		if got := m.receive(c.id, c.e); got != c.want {
			t.Errorf("answer %d is %s, not %s", i, got, c.want)
		}
	}
	if s := m.spec(); s.DisplayName != "As of 7" || s.State != v1alpha1.StateDeleted || s.StateVersion != 6 {
		t.Errorf("the model ends with %+v", s)
	}
}
