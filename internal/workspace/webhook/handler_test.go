package webhook_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// sample is the event of the contract.
const sample = `{
  "type": "workspace.created",
  "timestamp": "2026-11-20T08:41:00Z",
  "data": {
    "workspace_id": "ws-001",
    "version": 7,
    "name": "Fraud detection",
    "description": "Card fraud models",
    "owner": "ana@company.com",
    "tier": "standard",
    "quota": {"cpu": "40", "memory": "160Gi", "gpu": "4", "storage": "1Ti", "pods": "200"},
    "members": [
      {"kind": "User",  "name": "ana@company.com", "role": "admin"},
      {"kind": "Group", "name": "ml-team",         "role": "editor"}
    ],
    "labels": {"cost-center": "42"}
  }
}`

// accepted is the contract's answer to an event of ws-001 that was stored.
const accepted = `{"status":"accepted","workspace_id":"ws-001","project_id":"ws-001",` +
	`"console_url":"https://flyte.company.com/console/projects/ws-001","status_url":"/workspaces/ws-001"}`

// event is one without more content than its type needs.
func event(kind string, version int) string {
	return fmt.Sprintf(`{"type":"workspace.%s","data":{"workspace_id":"ws-001","version":%d,"name":"Fraud"}}`, kind, version)
}

func TestHandler_StoresWhatItAccepts(t *testing.T) {
	e := newEdge(t)
	if diff := cmp.Diff(taken(http.StatusAccepted, accepted), e.post(t, hooks, "msg_1", sample)); diff != "" {
		t.Errorf("the answer (-want +got):\n%s", diff)
	}
	want := v1alpha1.WorkspaceSpec{
		DisplayName: "Fraud detection", Description: "Card fraud models", Owner: "ana@company.com", Tier: "standard",
		Quota: v1alpha1.Quota{CPU: "40", Memory: "160Gi", GPU: "4", Storage: "1Ti", Pods: "200"},
		Members: []v1alpha1.Member{
			{Kind: v1alpha1.MemberUser, Name: "ana@company.com", Role: v1alpha1.RoleAdmin},
			{Kind: v1alpha1.MemberGroup, Name: "ml-team", Role: v1alpha1.RoleEditor},
		},
		Labels:  map[string]v1alpha1.LabelValue{"cost-center": "42"},
		Version: 7, State: v1alpha1.StateActive, StateVersion: 7,
	}
	if diff := cmp.Diff(want, e.store.stored()["ws-001"].Spec); diff != "" {
		t.Errorf("the spec (-want +got):\n%s", diff)
	}
}

// step is one webhook and its answer.
type step struct {
	id, body string
	status   int
	answer   string
}

func TestHandler_AnswersEachEvent(t *testing.T) {
	created := step{"msg_1", event("created", 1), http.StatusAccepted, accepted}
	spec := func(version int64, state v1alpha1.State, stateVersion int64) map[string]v1alpha1.WorkspaceSpec {
		w := v1alpha1.WorkspaceSpec{Tier: "standard", Version: version, State: state, StateVersion: stateVersion}
		if version > 0 {
			w.DisplayName = "Fraud"
		}
		return map[string]v1alpha1.WorkspaceSpec{"ws-001": w}
	}
	stale, duplicate := `{"status":"stale"}`, `{"status":"duplicate"}`
	tests := map[string]struct {
		steps []step
		want  map[string]v1alpha1.WorkspaceSpec
	}{
		"created": {[]step{created}, spec(1, v1alpha1.StateActive, 1)},
		"updated": {[]step{created, {"msg_2", event("updated", 2), 202, accepted}}, spec(2, v1alpha1.StateActive, 1)},
		"updated, of an unknown workspace": {
			[]step{{"msg_2", event("updated", 2), 202, accepted}}, spec(2, v1alpha1.StateActive, 0),
		},
		"suspended": {[]step{created, {"msg_2", event("suspended", 2), 202, accepted}}, spec(1, v1alpha1.StateSuspended, 2)},
		"resumed": {
			[]step{created, {"msg_2", event("suspended", 2), 202, accepted}, {"msg_3", event("resumed", 3), 202, accepted}},
			spec(1, v1alpha1.StateActive, 3),
		},
		"deleted": {[]step{created, {"msg_2", event("deleted", 2), 202, accepted}}, spec(1, v1alpha1.StateDeleted, 2)},
		"deleted, before the rest": {
			[]step{{"msg_2", event("deleted", 2), 202, accepted}, {"msg_1", event("created", 1), 202, accepted}},
			spec(1, v1alpha1.StateDeleted, 2),
		},
		"duplicate": {[]step{created, {"msg_1", event("created", 1), 200, duplicate}}, spec(1, v1alpha1.StateActive, 1)},
		"duplicate, after newer ones": {
			[]step{created, {"msg_2", event("deleted", 2), 202, accepted}, {"msg_1", event("created", 1), 200, duplicate}},
			spec(1, v1alpha1.StateDeleted, 2),
		},
		"stale, since older": {
			[]step{{"msg_2", event("created", 2), 202, accepted}, {"msg_1", event("updated", 1), 200, stale}},
			spec(2, v1alpha1.StateActive, 2),
		},
		"stale, since the version was used": {
			[]step{created, {"msg_2", event("created", 1), 200, stale}}, spec(1, v1alpha1.StateActive, 1),
		},
		"ping": {
			[]step{{"msg_1", `{"type":"ping"}`, 200, `{"status":"pong"}`}, {"msg_1", `{"type":"ping","data":7}`, 200, `{"status":"pong"}`}}, nil,
		},
		"unknown type": {[]step{{"msg_1", `{"type":"workspace.cloned","data":[]}`, 202, `{"status":"ignored"}`}}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t)
			for _, s := range test.steps {
				if diff := cmp.Diff(taken(s.status, s.answer), e.post(t, hooks, s.id, s.body)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", s.body, diff)
				}
			}
			if diff := cmp.Diff(test.want, specs(e.store)); diff != "" {
				t.Errorf("what is stored (-want +got):\n%s", diff)
			}
		})
	}
}

func specs(m *memory) map[string]v1alpha1.WorkspaceSpec {
	var all map[string]v1alpha1.WorkspaceSpec
	for id, w := range m.stored() {
		if all == nil {
			all = map[string]v1alpha1.WorkspaceSpec{}
		}
		all[id] = w.Spec
	}
	return all
}

func TestHandler_DoesNotDependOnTheHostHeader(t *testing.T) {
	for path, body := range map[string]string{hooks: sample, provision: `{"workspace_id":"ws-001","name":"Fraud"}`} {
		var answers [2]answer
		for i, host := range []string{"integration.company.com", "evil.example"} {
			e := newEdge(t)
			e.store.controller = setsReady("True", v1alpha1.ReasonReady)
			answers[i] = e.post(t, path, "msg_1", body, func(r *http.Request) {
				r.Host = host
				r.Header.Set("X-Forwarded-Host", host)
			})
		}
		if diff := cmp.Diff(answers[0], answers[1]); diff != "" {
			t.Errorf("%s (-one host +another):\n%s", path, diff)
		}
	}
}

func TestHandler_AcceptsEveryAliasOfItsMediaType(t *testing.T) {
	types := []string{
		"application/json", "Application/JSON", "application/json; charset=utf-8", `application/json;charset="UTF-8"`,
		"application/json; charset=utf8", "application/json;",
	}
	for _, mediaType := range types {
		t.Run(mediaType, func(t *testing.T) {
			got := newEdge(t).post(t, hooks, "msg_1", sample, func(r *http.Request) { r.Header.Set("Content-Type", mediaType) })
			if diff := cmp.Diff(taken(http.StatusAccepted, accepted), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Identity is no coding (RFC 9110, 12.5.3), although a sender should not name it.
func TestHandler_AcceptsTheCodingIdentity(t *testing.T) {
	for _, coding := range []string{"identity", "Identity", "identity, identity", ""} {
		got := newEdge(t).post(t, hooks, "msg_1", sample, func(r *http.Request) { r.Header.Set("Content-Encoding", coding) })
		if diff := cmp.Diff(taken(http.StatusAccepted, accepted), got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", coding, diff)
		}
	}
}

func TestHandler_VerifiesTheHeadersOfSvix(t *testing.T) {
	got := newEdge(t).post(t, hooks, "msg_1", sample, func(r *http.Request) {
		for _, name := range []string{"Id", "Timestamp", "Signature"} {
			r.Header.Set("Svix-"+name, r.Header.Get("Webhook-"+name))
			r.Header.Del("Webhook-" + name)
		}
	})
	if diff := cmp.Diff(taken(http.StatusAccepted, accepted), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
