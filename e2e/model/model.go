// Package model is a small pure model of one Workspace, which the end-to-end tests compare with the stored one. It shares no code with the
// service.
package model

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// The contract's rules about event types, stated again.
var (
	hasContent = map[workspace.EventType]bool{workspace.EventCreated: true, workspace.EventUpdated: true}
	stateOf    = map[workspace.EventType]v1alpha1.State{
		workspace.EventCreated:   v1alpha1.StateActive,
		workspace.EventResumed:   v1alpha1.StateActive,
		workspace.EventSuspended: v1alpha1.StateSuspended,
		workspace.EventDeleted:   v1alpha1.StateDeleted,
	}
)

// Model is the events that took effect on one Workspace. The desired Workspace is a function of this set, and does not depend on order.
type Model map[string]workspace.Event // by the id of the delivery

// Receive returns the status that the answer to a delivery must have.
func (m Model) Receive(id string, e workspace.Event) string {
	_, known := m[id]
	switch {
	case known:
		return "duplicate"
	case hasContent[e.Type] && e.Data.Version > m.Content().Data.Version, stateOf[e.Type] != "" && e.Data.Version > m.State().Data.Version:
		m[id] = e
		return "accepted"
	}
	return "stale"
}

// Content is the event that sets the content, or a zero one.
func (m Model) Content() workspace.Event {
	return newest(m, func(t workspace.EventType) bool { return hasContent[t] })
}

// State is the event that sets the state, or a zero one.
func (m Model) State() workspace.Event {
	return newest(m, func(t workspace.EventType) bool { return stateOf[t] != "" })
}

func newest(m Model, counts func(workspace.EventType) bool) (found workspace.Event) {
	for _, e := range m {
		if counts(e.Type) && e.Data.Version > found.Data.Version {
			found = e
		}
	}
	return found
}

// Spec is the spec that the Workspace must have.
func (m Model) Spec() v1alpha1.WorkspaceSpec {
	content, state := m.Content().Data, m.State()
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

// Check compares the stored Workspace: its spec, that it was written once for each event that took effect, and that exactly these
// deliveries are recorded, each once. It applies to as many events as a Workspace records, 32.
func (m Model) Check(t T, w *v1alpha1.Workspace) {
	t.Helper()
	if diff := cmp.Diff(m.Spec(), w.Spec, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the spec of %s is not the model's: %s", w.Name, diff)
	}
	if w.Generation != int64(len(m)) {
		t.Errorf("%s was written %d times for %d events", w.Name, w.Generation, len(m))
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(m)), slices.Sorted(slices.Values(Deliveries(t, w)))); diff != "" {
		t.Errorf("%s has recorded other deliveries: %s", w.Name, diff)
	}
}

// T is what *testing.T and *rapid.T have in common.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Deliveries are the ids of the deliveries that a Workspace has recorded.
func Deliveries(t T, w *v1alpha1.Workspace) (ids []string) {
	t.Helper()
	var recorded []struct{ ID string }
	if err := json.Unmarshal([]byte(w.Annotations[v1alpha1.AnnotationDeliveries]), &recorded); err != nil {
		t.Fatalf("reading the deliveries of %s: %v", w.Name, err)
	}
	for _, d := range recorded {
		ids = append(ids, d.ID)
	}
	return ids
}

// Event is an event of a version, whose content differs from that of every other version.
func Event(kind workspace.EventType, id string, version int64) workspace.Event {
	e := workspace.Event{Type: kind, Data: workspace.Data{WorkspaceID: id, Version: version}}
	if hasContent[kind] {
		members := []v1alpha1.Member{
			{Kind: v1alpha1.MemberUser, Name: "ana@company.com", Role: v1alpha1.RoleAdmin},
			{Kind: v1alpha1.MemberGroup, Name: "ml-team", Role: v1alpha1.RoleEditor},
		}
		e.Data = workspace.Data{
			WorkspaceID: id, Version: version, Name: fmt.Sprintf("As of %d", version), Description: "made by a test", Owner: "ana@company.com",
			Quota:   v1alpha1.Quota{CPU: v1alpha1.Quantity(fmt.Sprint(1 + version%20)), Memory: "64Gi", GPU: "2"},
			Members: members[:version%int64(len(members)+1)],
			Labels:  map[string]string{"cost-center": fmt.Sprint(version)},
		}
	}
	return e
}
