package workspaceservicetest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// at is a workspace "a" with these registers.
func at(name string, version int64, state v1alpha1.State, stateVersion int64) workspace.Listed {
	return workspace.Listed{
		Data: workspace.Data{WorkspaceID: "a", Name: name, Version: version}, State: state, StateVersion: stateVersion,
	}
}

func TestService_RecordsTheEventsThatItForwards(t *testing.T) {
	r := run(t, "")
	for _, step := range []struct {
		event, data string
		want        workspace.Listed
	}{
		{"workspace.created", `"version":3,"name":"A"`, at("A", 3, "Active", 3)},
		{"workspace.suspended", `"version":5`, at("A", 3, "Suspended", 5)},
		{"workspace.updated", `"version":7,"name":"B"`, at("B", 7, "Suspended", 5)},
		{"workspace.resumed", `"version":4`, at("B", 7, "Suspended", 5)},
		{"workspace.created", `"version":6,"name":"old"`, at("B", 7, "Active", 6)},
		{"workspace.deleted", `"version":8`, at("B", 7, "Deleted", 8)},
		{"ping", ``, at("B", 7, "Deleted", 8)},
		{"workspace.renamed", ``, at("B", 7, "Deleted", 8)},
	} {
		body := fmt.Sprintf(`{"type":%q,"data":{"workspace_id":"a",%s}}`, step.event, step.data)
		body = strings.Replace(body, ",}", "}", 1)
		if status, text := r.ask(http.MethodPost, "/webhooks/workspace", body, nil); status != http.StatusAccepted {
			t.Fatalf("%s: %d %s", body, status, text)
		}
		if diff := cmp.Diff(step.want, r.show().Listed); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", body, diff)
		}
	}
	if status := r.report("rpt_1", "a", `{"workspace_id":"a","version":8,"status":"deleted"}`); status != http.StatusNoContent {
		t.Errorf("the report is answered %d", status)
	}
}

// TestService_ForwardsTheRequestUnchanged, since its signature covers the bytes of the body.
func TestService_ForwardsTheRequestUnchanged(t *testing.T) {
	type request struct{ Path, ID, Body string }
	var got request
	r := run(t, "", func(o *Options) {
		receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got = request{r.URL.Path, r.Header.Get("Webhook-Id"), string(body)}
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, "why not")
		}))
		t.Cleanup(receiver.Close)
		o.WebhookURL = receiver.URL
	})
	const body = ` {"type": "workspace.created",  "data": {"workspace_id": "a", "version": 1, "name": "A"}} `
	status, text := r.ask(http.MethodPost, "/webhooks/workspace", body, http.Header{"Webhook-Id": {"msg_1"}})
	if status != http.StatusUnauthorized || text != "why not" {
		t.Errorf("it answers %d %s", status, text)
	}
	if diff := cmp.Diff(request{"/webhooks/workspace", "msg_1", body}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if status := r.report("rpt_1", "a", `{"workspace_id":"a"}`); status != http.StatusNotFound {
		t.Errorf("what was refused is known here: %d", status)
	}
}

// TestService_GivesAVersionToWhatWasProvisionedWithoutOne, or it could never list it.
func TestService_GivesAVersionToWhatWasProvisionedWithoutOne(t *testing.T) {
	var events []string
	r := run(t, "", func(o *Options) {
		receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if event, err := workspace.DecodeEvent(body); err == nil {
				events = append(events, fmt.Sprint(event.Type, event.Data.Version))
			}
		}))
		t.Cleanup(receiver.Close)
		o.WebhookURL = receiver.URL
	})
	for range 2 {
		if status, text := r.ask(http.MethodPost, "/provision", `{"workspace_id":"a","name":"A"}`, nil); status != http.StatusOK {
			t.Fatalf("%d %s", status, text)
		}
		eventually(t, "the event to be sent", func() bool { return len(r.show().Waiting) == 0 })
	}
	if diff := cmp.Diff(at("A", 1, "Active", 1), r.show().Listed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"workspace.created1"}, events); diff != "" {
		t.Errorf("the events are (-want +got):\n%s", diff)
	}
}

// TestService_HoldsAReportUntilItsEventIsForwarded: the integration may report before it has answered.
func TestService_HoldsAReportUntilItsEventIsForwarded(t *testing.T) {
	reported := make(chan int, 1)
	var r *running
	r = run(t, "", func(o *Options) {
		receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			go func() { reported <- r.report("rpt_1", "a", `{"workspace_id":"a","version":1,"status":"ready"}`) }()
			w.WriteHeader(http.StatusAccepted)
		}))
		t.Cleanup(receiver.Close)
		o.WebhookURL = receiver.URL
	})
	const body = `{"type":"workspace.created","data":{"workspace_id":"a","version":1,"name":"A"}}`
	if status, text := r.ask(http.MethodPost, "/webhooks/workspace", body, nil); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, text)
	}
	if status := <-reported; status != http.StatusNoContent {
		t.Errorf("the report is answered %d", status)
	}
}
