package webhook_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

const wanted = `{"workspace_id":"ws-001","name":"Fraud"}`

var (
	success = taken(http.StatusOK, `{"status":"success","workspace_id":"ws-001","project_id":"ws-001","namespaces":["flyte-ws-001"],`+
		`"console_url":"https://flyte.company.com/console/projects/ws-001",`+
		`"console_urls":{"production":"https://flyte.company.com/console/projects/ws-001/workflows?domain=production"}}`)
	pending = answer{
		Status: http.StatusAccepted,
		Header: map[string]string{"Content-Type": "application/json", "Location": "/workspaces/ws-001"},
		Body: `{"status":"pending","workspace_id":"ws-001","project_id":"ws-001",` +
			`"console_url":"https://flyte.company.com/console/projects/ws-001","status_url":"/workspaces/ws-001"}`,
	}
	conflict = refused(http.StatusConflict, "the namespace or the Flyte project of this workspace belongs to someone else")
)

func TestProvision_AnswersEachReadyCondition(t *testing.T) {
	tests := map[string]struct {
		status metav1.ConditionStatus
		reason string
		want   answer
	}{
		"ready":            {metav1.ConditionTrue, v1alpha1.ReasonReady, success},
		"conflict":         {metav1.ConditionFalse, v1alpha1.ReasonConflict, conflict},
		"invalid":          {metav1.ConditionFalse, v1alpha1.ReasonInvalid, pending},
		"refused by Flyte": {metav1.ConditionFalse, v1alpha1.ReasonFlyteRejected, pending},
		"suspended":        {metav1.ConditionTrue, v1alpha1.ReasonSuspended, pending},
		"deleted":          {metav1.ConditionTrue, v1alpha1.ReasonDeleted, pending},
		"purged":           {metav1.ConditionTrue, v1alpha1.ReasonPurged, pending},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t)
			e.store.controller = setsReady(test.status, test.reason)
			if diff := cmp.Diff(test.want, e.post(t, provision, "msg_1", wanted)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestProvision_WaitsForTheController(t *testing.T) {
	e := newEdge(t)
	waiting := make(chan struct{})
	e.store.awaiting = func() { close(waiting) }
	go func() {
		<-waiting
		e.store.update("ws-001", setsReady(metav1.ConditionFalse, v1alpha1.ReasonFlyteUnavailable))
		e.store.update("ws-001", setsReady(metav1.ConditionTrue, v1alpha1.ReasonReady))
	}()
	if diff := cmp.Diff(success, e.post(t, provision, "msg_1", wanted)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestProvision_IgnoresAnOlderReady: until the controller has observed the new content, Ready is about the content before.
func TestProvision_IgnoresAnOlderReady(t *testing.T) {
	e := newEdge(t, func(o *webhook.Options, _ *http.Server) { o.ProvisionTimeout = time.Millisecond })
	e.store.controller = func(w *v1alpha1.Workspace) {
		if w.Generation == 1 {
			setsReady(metav1.ConditionTrue, v1alpha1.ReasonReady)(w)
		}
	}
	e.post(t, hooks, "msg_1", event("created", 1))
	got := e.post(t, provision, "msg_2", `{"workspace_id":"ws-001","version":2,"name":"Fraud"}`)
	if diff := cmp.Diff(pending, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProvision_IsPendingAfterItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(t, newMemory())
		o.ProvisionTimeout = 25 * time.Second
		start := time.Now()
		if diff := cmp.Diff(pending, ask(t, o, provision, wanted)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if took := time.Since(start); took != 25*time.Second {
			t.Errorf("the answer took %s", took)
		}
	})
}

func TestProvision_StopsWaitingOnShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, draining := newMemory(), make(chan struct{})
		store.awaiting = func() { close(draining) }
		o := options(t, store)
		o.Draining = draining
		start := time.Now()
		if diff := cmp.Diff(pending, ask(t, o, provision, wanted)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("the answer took %s", took)
		}
	})
}

func TestProvision_ChangesNothingWithoutAVersion(t *testing.T) {
	e := newEdge(t)
	e.store.controller = setsReady(metav1.ConditionTrue, v1alpha1.ReasonReady)
	e.post(t, hooks, "msg_1", event("created", 1))
	before := e.store.stored()["ws-001"]
	for _, id := range []string{"msg_2", "msg_2", "msg_3"} {
		got := e.post(t, provision, id, `{"workspace_id":"ws-001","name":"Another name"}`)
		if diff := cmp.Diff(success, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if diff := cmp.Diff(before, e.store.stored()["ws-001"]); diff != "" {
		t.Errorf("the Workspace (-before +after):\n%s", diff)
	}
}

func TestProvision_NamesFieldsFromTheRootOfItsBody(t *testing.T) {
	got := newEdge(t).post(t, provision, "msg_1", `{"workspace_id":"WS","tier":"standard","members":[{"kind":"User"}]}`)
	want := invalid(`{"field":"workspace_id","message":"must be a DNS label: at most 63 lower case letters, digits or -, ` +
		`starting and ending with a letter or digit"},{"field":"members[0].name","message":"is required"},` +
		`{"field":"members[0].role","message":"must be one of admin, editor, viewer"},{"field":"name","message":"is required"}`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got = newEdge(t).post(t, provision, "msg_1", `{"workspace_id":"ws-001","name":"Fraud","quota":{"gpu":"5"}}`)
	want = invalid(`{"field":"quota.gpu","message":"is above 4, the maximum of the tier standard"}`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProvision_ReportsAStoreThatCantBeWatched(t *testing.T) {
	e := newEdge(t)
	e.store.awaitErr = &workspace.Error{
		Kind: workspace.KindUnavailable, Detail: "the Kubernetes API can't be read now", Err: errors.New("hunter2"),
	}
	want := refused(http.StatusServiceUnavailable, "the Kubernetes API can't be read now", "Retry-After", "5")
	if diff := cmp.Diff(want, e.post(t, provision, "msg_1", wanted)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
