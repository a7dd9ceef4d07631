package workspace

import (
	"fmt"
	"strings"
	"testing"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func TestDecodePage_RefusesOtherDocuments(t *testing.T) {
	for body, want := range map[string]string{
		``: "not a JSON document", `<html>`: "not a JSON document", `{"items":[{}]`: "not a JSON document", `[]`: "must be an object",
		`{}`: "items is required", `{"items":null}`: "items is required", `{"items":{}}`: "must be an array",
		`{"items":[],"items":[]}`: "twice", `{"items":[],"next_cursor":7}`: "must be a string",
		`{"items":[{"a":1,"a":2}]}`: "twice", `{"items":[]}x`: "not a JSON document",
		`{"items":[` + strings.Repeat(`[`, MaxDepth) + strings.Repeat(`]`, MaxDepth) + `]}`: "nested deeper",
	} {
		if _, err := DecodePage([]byte(body)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
	page, err := DecodePage([]byte(`{"items":[{"workspace_id":"a"},7],"next_cursor":"x","total":2}`))
	if err != nil || len(page.Items) != 2 || page.NextCursor != "x" {
		t.Errorf("%+v, %v", page, err)
	}
	if page, err := DecodePage([]byte(`{"items":[],"next_cursor":null}`)); err != nil || page.NextCursor != "" {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestListed_EqualsItsEvents(t *testing.T) {
	for item, want := range map[string]string{
		`{"version":7,"state":"Active"}`:                      "workspace.created@7",
		`{"version":7,"state":"Active","state_version":7}`:    "workspace.created@7",
		`{"version":7,"state":"Active","state_version":5}`:    "workspace.updated@7 workspace.resumed@5",
		`{"version":7,"state":"Suspended","state_version":9}`: "workspace.suspended@9 workspace.updated@7",
		`{"version":7,"state":"Deleted"}`:                     "workspace.deleted@7 workspace.updated@7",
		`{"version":7,"state":"active"}`:                      "state must be one of Active, Suspended, Deleted",
		`{"version":7}`:                                       "state must be one of Active, Suspended, Deleted",
		`{"version":"7"}`:                                     "version must be a whole number",
	} {
		if got := eventsOf(item); !strings.Contains(got, want) {
			t.Errorf("%s is %s, not %s", item, got, want)
		}
	}
}

func eventsOf(item string) string {
	listed, err := DecodeListed([]byte(item))
	if err != nil {
		return err.Error()
	}
	events, err := listed.Events()
	if err != nil {
		return err.Error()
	}
	texts := make([]string, len(events))
	for i, e := range events {
		texts[i] = fmt.Sprintf("%s@%d", e.Type, e.Data.Version)
	}
	return strings.Join(texts, " ")
}

// TestListed_EventsReachTheListedState: from any state before, each register ends at the higher of both versions.
func TestListed_EventsReachTheListedState(t *testing.T) {
	for _, state := range []v1alpha1.State{v1alpha1.StateActive, v1alpha1.StateSuspended, v1alpha1.StateDeleted} {
		for _, before := range []int64{0, 3, 7, 9} {
			w := New("ws-1")
			if before > 0 {
				w.ResourceVersion, w.Spec.Version, w.Spec.StateVersion = "1", before, before
			}
			recordListed(t, w, Listed{Data: Data{WorkspaceID: "ws-1", Version: 7, Name: "Listed"}, State: state, StateVersion: 5})
			wantState := state
			if before > 5 {
				wantState = v1alpha1.StateActive
			}
			if w.Spec.Version != max(7, before) || w.Spec.StateVersion != max(5, before) || w.Spec.State != wantState {
				t.Errorf("%s on %d ends with %+v", state, before, w.Spec)
			}
		}
	}
}

// recordListed records the events of what is listed, which do what Raises says.
func recordListed(t *testing.T, w *v1alpha1.Workspace, listed Listed) {
	t.Helper()
	events, err := listed.Events()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		raises := Raises(w, e)
		outcome, err := Record(w, e, Delivery{ID: string(e.Type)})
		if err != nil || raises != (outcome == OutcomeAccepted) {
			t.Errorf("%s on %d: %s, %v; it raises: %v", e.Type, w.Spec.Version, outcome, err, raises)
		}
		w.ResourceVersion = "1"
	}
}
