package scale

import (
	"context"
	"strconv"
	"testing"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// resyncs is how often the fleet is reconciled after a restart, and how often after a change of its tier.
const resyncs = 2

// TestRestsThroughResyncs reconciles the fleet after restarts of the service, and after changes of its tier that change none of its
// objects. The service must send the API server no request about the fleet.
func TestRestsThroughResyncs(t *testing.T) {
	env := shared.Env()
	ids := fleet(t)
	other := prepare(t, "rest-other", 1)[0]
	awaitRest(t, 0)
	before := len(env.Requests(t))
	for range resyncs {
		env.Restart(t.Context(), t, nil)
		other.update(t) // it leads
		awaitRest(t, float64(len(ids)))
	}
	for i := range resyncs {
		reconciled := reconciles(env.Metrics(t))
		env.ChangeTier(t, fleetName, func(spec *v1alpha1.WorkspaceTierSpec) {
			spec.Quota.Maximum.Pods = v1alpha1.Count(strconv.Itoa(1000 + i))
		})
		awaitRest(t, reconciled+float64(len(ids)))
	}
	harness.Get(t, env, &v1alpha1.WorkspaceTier{}, "", fleetName) // the audit log is in the order of the requests
	for request, n := range fleetRequests(t, before) {
		t.Errorf("%d times %q for %d workspaces at rest", n, request, len(ids))
	}
}

// awaitRest waits until that many Reconciles have ended since the service started, and none is left.
func awaitRest(t *testing.T, ended float64) {
	t.Helper()
	harness.Eventually(t, "the queue to be empty", func(context.Context) bool {
		m := shared.Env().Metrics(t)
		return reconciles(m) >= ended && m.Sum("workqueue_depth", "controller", "workspace") == 0 &&
			m.Sum("controller_runtime_active_workers", "controller", "workspace") == 0
	})
}

func reconciles(m service.Measured) float64 {
	return m.Sum("controller_runtime_reconcile_total", "controller", "workspace")
}
