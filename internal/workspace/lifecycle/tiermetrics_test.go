package lifecycle

import (
	"context"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// tierLister lists these tiers.
type tierLister struct {
	client.Reader
	tiers []v1alpha1.WorkspaceTier
}

func (l *tierLister) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	list.(*v1alpha1.WorkspaceTierList).Items = l.tiers
	return nil
}

func TestTierCollector_ReportsTheStatusesOfTiers(t *testing.T) {
	t.Parallel()
	observed, unseen := tier("standard"), tier("unseen")
	observed.Status = v1alpha1.WorkspaceTierStatus{ObservedGeneration: 1, Workspaces: 3, Conforming: 2}
	collector := &tierCollector{cached: &tierLister{tiers: []v1alpha1.WorkspaceTier{*observed, *unseen}}}
	const want = `
		# HELP workspace_flyte_tier_conforming_workspaces Workspaces on a tier that are Ready, and as its newest generation wants them.
		# TYPE workspace_flyte_tier_conforming_workspaces gauge
		workspace_flyte_tier_conforming_workspaces{tier="standard"} 2
		# HELP workspace_flyte_tier_workspaces Workspaces on a tier, without deleted ones.
		# TYPE workspace_flyte_tier_workspaces gauge
		workspace_flyte_tier_workspaces{tier="standard"} 3
	`
	must(t, testutil.CollectAndCompare(collector, strings.NewReader(want)))
}
