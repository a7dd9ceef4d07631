package crash

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspaceservice"
	"platform.company.com/workspace-flyte-integration/internal/workspaceservice/workspaceservicetest"
)

// TestLeaderKilledBeforeItReported kills the leader while its reports wait for the workspace service. The next leader sends them when the
// workspace service is back, none after a newer one.
func TestLeaderKilledBeforeItReported(t *testing.T) {
	env := shared.Env()
	const n = 5
	s := startWorkspaceService(t, nil)
	rs := startReplicas(t, "workspace-flyte-integration-1")
	env.Flyte.SetUnavailable(true)
	defer env.Flyte.SetUnavailable(false)
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("handover-%d", i)
		s.change(t, http.MethodPut, "/workspaces/"+ids[i], `{"name": "Handed over"}`)
	}
	for _, id := range ids {
		awaitReported(t, id, workspaceservice.StatusPending)
	}

	s.kill()
	env.Flyte.SetUnavailable(false)
	for _, id := range ids {
		if w := env.AwaitReason(t, id, v1alpha1.ReasonReady); w.Status.Reported.Status != workspaceservice.StatusPending {
			t.Fatalf("%s was reported to a service that was down: %+v", id, w.Status.Reported)
		}
	}
	rs.kill(rs.leader(t))
	s.start(t)
	for _, id := range ids {
		awaitReported(t, id, workspaceservice.StatusReady)
		shown := s.show(t, id)
		checkOrder(t, shown)
		checkAgreement(t, shown)
		if statuses := reported(shown); len(statuses) != 2 {
			t.Errorf("%s was reported as %v", id, statuses)
		}
	}
}

// awaitReported waits until the status says that this was reported.
func awaitReported(t *testing.T, id, status string) {
	t.Helper()
	env := shared.Env()
	harness.Eventually(t, id+" to be reported as "+status, func(ctx context.Context) bool {
		var w v1alpha1.Workspace
		return env.Admin.Get(ctx, harness.Key(id), &w) == nil && w.Status.Reported != nil && w.Status.Reported.Status == status
	})
}

func reported(shown workspaceservicetest.Shown) (statuses []string) {
	for _, r := range shown.Reports {
		statuses = append(statuses, r.Report.Status)
	}
	return statuses
}
