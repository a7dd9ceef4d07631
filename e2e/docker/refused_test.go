//go:build linux

package docker

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// testRefused: the engine starts the candidate, and then no container any more. The error says that the earlier one does not serve
// either; when the engine starts containers again, so does the next deployment.
func testRefused(t *testing.T, env *environment) {
	t.Helper()
	h := env.startHost(t)
	o := env.options(t, h, h.Path("/run/docker.sock"))
	harness.Must(t, newTarget(t, o).Setup(t.Context(), quiet(t)))
	harness.Must(t, newTarget(t, o).Up(t.Context(), quiet(t)))
	var starts atomic.Int32
	through := o
	through.Socket = proxy(t, o.Socket, func(w http.ResponseWriter, r *http.Request) (answered bool) {
		if !strings.HasSuffix(r.URL.Path, "/start") || strings.Contains(r.URL.Path, "/exec/") || starts.Add(1) == 1 {
			return false
		}
		http.Error(w, `{"message": "out of file descriptors"}`, http.StatusInternalServerError)
		return true
	})
	err := newTarget(t, through).Up(t.Context(), quiet(t))
	if deploy.OutcomeOf(err) != deploy.NotRolledBack || !strings.Contains(err.Error(), "the earlier container could not be started again") {
		t.Errorf("an engine that starts no container: %v", err)
	}
	status, err := newTarget(t, o).Status(t.Context())
	harness.Must(t, err)
	if status.Revision != 1 || status.State != "stopped" {
		t.Errorf("the status is %+v", status)
	}
	harness.Must(t, newTarget(t, o).Up(t.Context(), quiet(t)))
	checkSettled(t, o)
}
