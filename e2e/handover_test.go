package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspaceservice"
	"platform.company.com/workspace-flyte-integration/internal/workspaceservice/workspaceservicetest"
)

// TestLeaderKilledBeforeItReported stops the workspace service, lets reports come due, and kills the leader that they wait in.
// The next leader sends them when the workspace service is back, and nothing comes after what is newer.
func TestLeaderKilledBeforeItReported(t *testing.T) {
	const n = 10
	s := newStandIn(t, nil)
	rs := startReplicas(t, "workspace-flyte-integration-1")
	world.flyte.SetUnavailable(true)
	defer world.flyte.SetUnavailable(false)
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("handover-%d", i)
		s.change(t, http.MethodPut, "/workspaces/"+ids[i], `{"name": "Handed over"}`)
	}
	for _, id := range ids {
		noted(t, id, workspaceservice.StatusPending)
	}

	s.kill()
	world.flyte.SetUnavailable(false)
	for _, id := range ids {
		if w := settled(t, id, v1alpha1.ReasonReady); w.Status.Reported.Status != workspaceservice.StatusPending {
			t.Fatalf("%s was reported to nobody: %+v", id, w.Status.Reported)
		}
	}
	rs.usurp(t, rs.leader(t))
	s.start(t)
	for _, id := range ids {
		noted(t, id, workspaceservice.StatusReady)
		shown := s.show(t, id)
		checkOrder(t, shown)
		checkAgreement(t, shown)
		if statuses := reported(shown); len(statuses) != 2 {
			t.Errorf("%s was reported as %v", id, statuses)
		}
	}
}

// noted waits until a workspace's status says that this was reported.
func noted(t *testing.T, id, status string) {
	t.Helper()
	eventually(t, id+" to be reported as "+status, func(ctx context.Context) bool {
		var w v1alpha1.Workspace
		return world.admin.Get(ctx, named(id), &w) == nil && w.Status.Reported != nil && w.Status.Reported.Status == status
	})
}

func reported(shown workspaceservicetest.Shown) (statuses []string) {
	for _, r := range shown.Reports {
		statuses = append(statuses, r.Report.Status)
	}
	return statuses
}
