package e2e

import (
	"context"
	"strconv"
	"testing"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

const (
	// resyncs is how often all workspaces are looked at, restarts how often since the service has started anew.
	resyncs  = 10
	restarts = 2
)

// TestRestsThroughResyncs looks at all workspaces of the fleet ten times, twice after a restart of the service, else since
// their tier has changed in a way that changes none of their objects. The service must ask nothing of the API server.
func TestRestsThroughResyncs(t *testing.T) {
	ids := fleet(t)
	other := prepare(t, "rest-other", 1)[0]
	atRest(t, 0)
	before := len(auditedRequests(t))
	for i := range resyncs {
		seen := 0.0
		if i < restarts {
			world.service.Stop()
			if err := world.service.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			other.update(t) // it leads
		} else {
			seen = reconciled(t)
			changeFleetTier(t, func(spec *v1alpha1.WorkspaceTierSpec) {
				spec.Quota.Maximum.Pods = v1alpha1.Count(strconv.Itoa(1000 + i))
			})
		}
		atRest(t, seen+float64(len(ids)))
	}
	last := live(t, &v1alpha1.WorkspaceTier{}, "", fleetName) // the audit log is written in the order of the requests
	for name, n := range fleetRequests(t, before) {
		t.Errorf("%d times %q for %d workspaces at rest on tier %s", n, name, len(ids), last.Name)
	}
	t.Logf("%d workspaces, %d resyncs: %v", len(ids), resyncs, fleetRequests(t, before))
}

// atRest waits until that many Reconciles have ended, and nothing is left to do.
func atRest(t *testing.T, ended float64) {
	t.Helper()
	eventually(t, "the queue to be empty", func(context.Context) bool {
		return reconciled(t) >= ended && series(t, "workqueue_depth") == 0 &&
			series(t, "controller_runtime_active_workers") == 0
	})
}

// reconciled is how many Reconciles have ended since the service started.
func reconciled(t *testing.T) float64 {
	t.Helper()
	return series(t, "controller_runtime_reconcile_total")
}

// series is the sum of the service's metrics of this name, for the controller of workspaces.
func series(t *testing.T, name string) float64 {
	t.Helper()
	m, err := world.service.Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m.Sum(name, "controller", "workspace")
}
