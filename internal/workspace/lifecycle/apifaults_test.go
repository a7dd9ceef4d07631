package lifecycle

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
	"platform.company.com/workspace-flyte-integration/devcluster/faultproxy"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// injectedFault is injected into each nth of the requests that match.
type injectedFault struct {
	name  string
	nth   int64
	match func(*http.Request) bool
	fault faultproxy.Fault
}

func injectedFaults() []injectedFault {
	return []injectedFault{
		{"429 with Retry-After", 4, isWrite, faultproxy.Fault{Status: http.StatusTooManyRequests, RetryAfter: 1}},
		{"429 without Retry-After", 4, isWrite, faultproxy.Fault{Status: http.StatusTooManyRequests}},
		{"500", 4, isWrite, faultproxy.Fault{Status: http.StatusInternalServerError}},
		{"503", 4, isWrite, faultproxy.Fault{Status: http.StatusServiceUnavailable}},
		{"response lost after the write", 3, isWrite, faultproxy.Fault{LoseAnswer: true}},
		{"connection reset before the write", 4, isWrite, faultproxy.Fault{Reset: true}},
		{"conflict on updates", 3, isUpdate, faultproxy.Fault{Status: http.StatusConflict}},
		{"latency of 500 ms", 1, isAny, faultproxy.Fault{Delay: 500 * time.Millisecond}},
		{"watches cut again and again", 1, isWatch, faultproxy.Fault{CutAfter: 300 * time.Millisecond}},
		{"watches a second behind", 1, isWatch, faultproxy.Fault{Lag: time.Second}},
		{"watches answered 410", 3, isWatch, faultproxy.Fault{Status: http.StatusGone}},
	}
}

func isAny(*http.Request) bool { return true }

func isWatch(r *http.Request) bool { return r.URL.Query().Get("watch") != "" }

func isWrite(r *http.Request) bool {
	return r.Method != http.MethodGet && !strings.Contains(r.URL.Path, "/events")
}

func isUpdate(r *http.Request) bool {
	return isWrite(r) && r.Method != http.MethodPost && r.Method != http.MethodDelete
}

// Under each fault, a workspace goes through its whole lifecycle and ends like one without faults.
func TestController_ConvergesUnderAPIFaults(t *testing.T) {
	t.Parallel()
	double, err := flytetest.Start() // shared, since the status names it
	must(t, err)
	t.Cleanup(double.Stop)
	undisturbed := newTestEnv(t, envOptions{flyte: double})
	undisturbed.runLifecycle("apifault-none")
	want := undisturbed.snapshot("apifault-none")
	for i, f := range injectedFaults() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			proxy, err := faultproxy.New(shared.Cluster(t).Config())
			must(t, err)
			t.Cleanup(proxy.Stop)
			env := newTestEnv(t, envOptions{flyte: double, proxy: proxy})
			var seen atomic.Int64
			proxy.Set(func(r *http.Request) faultproxy.Fault {
				if f.match(r) && seen.Add(1)%f.nth == 0 {
					return f.fault
				}
				return faultproxy.Fault{}
			})
			proxy.Break()
			id := fmt.Sprintf("apifault-%d", i)
			env.runLifecycle(id)
			eventually(t, func(context.Context) error { // a watch that was cut reports some changes later
				if diff := cmp.Diff(want, env.snapshot(id)); diff != "" {
					return fmt.Errorf("the workspace differs (-without +with faults):\n%s", diff)
				}
				return nil
			})
			if seen.Load() < f.nth {
				t.Errorf("only %d requests match", seen.Load())
			}
			proxy.Set(nil)
		})
	}
}

// live creates, changes, suspends, resumes and deletes a workspace.
func (env *testEnv) runLifecycle(id string) {
	env.t.Helper()
	env.provisioned(id)
	env.update(id, func(w *v1alpha1.Workspace) {
		w.Spec.Description, w.Spec.Quota.CPU, w.Spec.Members = "Changed", "12", w.Spec.Members[:1]
	})
	env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	for _, transition := range []struct {
		state  v1alpha1.State
		reason string
	}{
		{v1alpha1.StateSuspended, v1alpha1.ReasonSuspended},
		{v1alpha1.StateActive, v1alpha1.ReasonReady},
		{v1alpha1.StateDeleted, v1alpha1.ReasonDeleted},
	} {
		env.setState(id, transition.state)
		env.await(id, v1alpha1.ConditionReady, transition.reason)
	}
}

// snapshot is the content of the workspace, its objects and its project.
func (env *testEnv) snapshot(id string) map[string]string {
	env.t.Helper()
	all := clustertest.Snapshot(env.t, env.admin, id)
	for _, project := range env.flyte.Projects() {
		if project.ID == id {
			all["project"] = strings.ReplaceAll(fmt.Sprintf("%#v", project), id, "ID")
		}
	}
	return all
}
