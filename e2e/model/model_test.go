package model

import (
	"testing"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// The examples are the contract's own.
func TestModel_FollowsTheContract(t *testing.T) {
	m := Model{}
	for i, c := range []struct {
		id   string
		e    workspace.Event
		want string
	}{
		{"a", Event(workspace.EventSuspended, "x", 3), "accepted"}, // state before content is kept
		{"b", Event(workspace.EventUpdated, "x", 5), "accepted"},
		{"c", Event(workspace.EventCreated, "x", 4), "accepted"}, // its state is newer, its content is not
		{"c", Event(workspace.EventCreated, "x", 4), "duplicate"},
		{"d", Event(workspace.EventCreated, "x", 4), "stale"},
		{"e", Event(workspace.EventUpdated, "x", 2), "stale"},
		{"e", Event(workspace.EventUpdated, "x", 2), "stale"},
		{"f", Event(workspace.EventDeleted, "x", 6), "accepted"},
		{"g", Event(workspace.EventUpdated, "x", 7), "accepted"}, // never resumes
	} {
		if got := m.Receive(c.id, c.e); got != c.want {
			t.Errorf("answer %d is %s, not %s", i, got, c.want)
		}
	}
	if s := m.Spec(); s.DisplayName != "As of 7" || s.State != v1alpha1.StateDeleted || s.StateVersion != 6 {
		t.Errorf("the model ends with %+v", s)
	}
}
