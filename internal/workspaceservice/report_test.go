package workspaceservice

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// reconciled is a Workspace that the controller has reconciled.
func reconciled(status metav1.ConditionStatus, reason string) *v1alpha1.Workspace {
	w := &v1alpha1.Workspace{
		ObjectMeta: metav1.ObjectMeta{Name: "ws-1", Generation: 3, ResourceVersion: "42"},
		Spec:       v1alpha1.WorkspaceSpec{Version: 6, StateVersion: 7},
		Status:     v1alpha1.WorkspaceStatus{Namespaces: []string{"flyte-ws-1"}, ProjectID: "ws-1", ConsoleURL: "https://flyte/ws-1"},
	}
	meta.SetStatusCondition(&w.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: status, Reason: reason, Message: "as it is", ObservedGeneration: 3,
	})
	return w
}

func TestNewReport(t *testing.T) {
	for reason, want := range map[string]string{
		v1alpha1.ReasonReady: StatusReady, v1alpha1.ReasonSuspended: StatusSuspended,
		v1alpha1.ReasonDeleted: StatusDeleted, v1alpha1.ReasonPurged: StatusDeleted,
	} {
		if got, ok := newReport(reconciled(metav1.ConditionTrue, reason)); !ok || got.Status != want {
			t.Errorf("%s is reported as %s, not %s", reason, got.Status, want)
		}
	}
	for reason, want := range map[string]string{
		v1alpha1.ReasonAwaitingContent: StatusPending, v1alpha1.ReasonFlyteUnavailable: StatusPending,
		v1alpha1.ReasonKubernetesUnavailable: StatusPending, v1alpha1.ReasonNamespaceTerminating: StatusPending,
		v1alpha1.ReasonWaitingForNamespace: StatusPending, "ReasonOfALaterVersion": StatusPending,
		v1alpha1.ReasonInvalid: StatusFailed, v1alpha1.ReasonConflict: StatusFailed, v1alpha1.ReasonTierNotFound: StatusFailed,
		v1alpha1.ReasonForbidden: StatusFailed, v1alpha1.ReasonRejected: StatusFailed, v1alpha1.ReasonFlyteUnauthorized: StatusFailed,
		v1alpha1.ReasonFlyteRejected: StatusFailed, v1alpha1.ReasonLimitExceeded: StatusFailed, v1alpha1.ReasonPurging: StatusPending,
	} {
		if got, ok := newReport(reconciled(metav1.ConditionFalse, reason)); !ok || got.Status != want {
			t.Errorf("%s is reported as %s, not %s", reason, got.Status, want)
		}
	}
	body, err := json.Marshal(first(newReport(reconciled(metav1.ConditionTrue, v1alpha1.ReasonReady))))
	must(t, err)
	want := `{"workspace_id":"ws-1","version":7,"status":"ready","reason":"Ready","message":"as it is","project_id":"ws-1",` +
		`"namespaces":["flyte-ws-1"],"console_url":"https://flyte/ws-1"}`
	if diff := cmp.Diff(want, string(body)); diff != "" {
		t.Error(diff)
	}
}

func first(r Report, _ bool) Report { return r }

// TestNewReport_WaitsForTheController: an older outcome would be reported for the newest version.
func TestNewReport_WaitsForTheController(t *testing.T) {
	fresh := reconciled(metav1.ConditionTrue, v1alpha1.ReasonReady)
	fresh.Generation++
	if r, ok := newReport(fresh); ok {
		t.Errorf("reported %+v", r)
	}
	if r, ok := newReport(&v1alpha1.Workspace{}); ok {
		t.Errorf("reported %+v", r)
	}
}

// TestNewMessage_IDsGrow with the resourceVersion, and the same message has the same id.
func TestNewMessage_IDsGrow(t *testing.T) {
	var last string
	for _, revision := range []string{"9", "10", "99", "100", "18446744073709551615"} {
		w := reconciled(metav1.ConditionTrue, v1alpha1.ReasonReady)
		w.ResourceVersion = revision
		m, due := newMessage(w)
		again, _ := newMessage(w.DeepCopy())
		if !due || m.id <= last || m.id != again.id || !signature.ValidID(m.id) {
			t.Errorf("after %s came %s (due: %v), and then %s", last, m.id, due, again.id)
		}
		last = m.id
	}
}

func TestNewMessage_IsDueUntilItIsAccepted(t *testing.T) {
	w := reconciled(metav1.ConditionTrue, v1alpha1.ReasonReady)
	m, _ := newMessage(w)
	m.markReported(w)
	w.ResourceVersion = "43" // by the record itself
	if m, due := newMessage(w); due {
		t.Errorf("it is due again: %+v", m)
	}
	w.Status.Namespaces = nil
	m, due := newMessage(w)
	if !due || !strings.Contains(string(m.body), `"namespaces":[]`) {
		t.Errorf("a change: due %v, %s", due, m.body)
	}
}
