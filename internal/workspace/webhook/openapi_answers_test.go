package webhook_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/api/apitest"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestOpenAPI_DescribesEveryAnswerOfPOST gets every status of the document out of the handler, and no other; that the
// answers are as described is looked at wherever one is read (conforms).
func TestOpenAPI_DescribesEveryAnswerOfPOST(t *testing.T) {
	for path, body := range map[string]string{hooks: sample, provision: wanted} {
		t.Run(path, func(t *testing.T) {
			answered := map[string]string{}
			for cause, ask := range everyAnswer(path, body) {
				e := newEdge(t)
				answered[strconv.Itoa(ask(t, e).Status)] = cause
			}
			described := slices.Sorted(maps.Keys(apitest.Document(t).Paths.Value(path).Post.Responses.Map()))
			if diff := cmp.Diff(described, slices.Sorted(maps.Keys(answered))); diff != "" {
				t.Errorf("(-described +answered):\n%s%v", diff, answered)
			}
		})
	}
}

// everyAnswer has a cause for each status of a POST route.
func everyAnswer(path, body string) map[string]func(*testing.T, *edge) answer {
	post := func(body string, change ...func(*http.Request)) func(*testing.T, *edge) answer {
		return func(t *testing.T, e *edge) answer { t.Helper(); return e.post(t, path, "msg_1", body, change...) }
	}
	failing := func(err error) func(*testing.T, *edge) answer {
		return func(t *testing.T, e *edge) answer {
			t.Helper()
			e.store.fault = func(context.Context) error { return err }
			return e.post(t, path, "msg_1", body)
		}
	}
	return map[string]func(*testing.T, *edge) answer{
		"stored": func(t *testing.T, e *edge) answer {
			t.Helper()
			e.store.controller = setsReady("False", "Invalid") // or /provision would wait
			return e.post(t, path, "msg_1", body)
		},
		"done already": func(t *testing.T, e *edge) answer {
			t.Helper()
			e.store.controller = setsReady("True", "Ready")
			e.post(t, path, "msg_1", body)
			return e.post(t, path, "msg_1", body)
		},
		"no JSON":         post("{"),
		"unsigned":        post(body, func(r *http.Request) { r.Header.Del("Webhook-Signature") }),
		"used before":     failing(&workspace.Error{Kind: workspace.KindConflict, Detail: "used before"}),
		"too large":       post(strings.Repeat(" ", maxBody+1)),
		"no media type":   post(body, func(r *http.Request) { r.Header.Del("Content-Type") }),
		"against a rule":  post(strings.Replace(body, `"Fraud`, `"\u202e`, 1)),
		"too many":        failing(&workspace.Error{Kind: workspace.KindLimited, Detail: "too many"}),
		"unavailable":     failing(&workspace.Error{Kind: workspace.KindUnavailable, Detail: "down"}),
		"a fault of ours": failing(errors.New("hunter2")),
	}
}

// TestOpenAPI_DescribesTheAnswersOfRateLimits: these 429 are answered before the request is read.
func TestOpenAPI_DescribesTheAnswersOfRateLimits(t *testing.T) {
	for _, path := range []string{hooks, provision} {
		e := newEdge(t, frozenClock)
		unsigned := func(r *http.Request) { r.Header.Del("Webhook-Signature") }
		for range unsignedBurst {
			e.post(t, path, "msg_1", "{}", unsigned)
		}
		if got := e.post(t, path, "msg_1", "{}", unsigned); got.Status != http.StatusTooManyRequests {
			t.Errorf("%s answers %d", path, got.Status)
		}
	}
}
