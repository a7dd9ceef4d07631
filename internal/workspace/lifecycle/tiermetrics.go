package lifecycle

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// tierCollector reports the numbers in the statuses of tiers, from the cache, whenever metrics are scraped. Every replica reports the same.
// The platform team makes the tiers, so their names are few.
type tierCollector struct{ cached client.Reader }

var (
	tierWorkspacesMetric = prometheus.NewDesc("workspace_flyte_tier_workspaces",
		"Workspaces on a tier, without deleted ones.", []string{"tier"}, nil)
	tierConformingMetric = prometheus.NewDesc("workspace_flyte_tier_conforming_workspaces",
		"Workspaces on a tier that are Ready, and as its newest generation wants them.", []string{"tier"}, nil)
)

// Describe implements prometheus.Collector.
func (c *tierCollector) Describe(out chan<- *prometheus.Desc) {
	out <- tierWorkspacesMetric
	out <- tierConformingMetric
}

// Collect implements prometheus.Collector. A tier without a status is left out, since a zero would be wrong.
func (c *tierCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	var tiers v1alpha1.WorkspaceTierList
	if c.cached.List(ctx, &tiers, client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency) != nil {
		return
	}
	for i := range tiers.Items {
		status, name := &tiers.Items[i].Status, tiers.Items[i].Name
		if status.ObservedGeneration == 0 {
			continue
		}
		out <- prometheus.MustNewConstMetric(tierWorkspacesMetric, prometheus.GaugeValue, float64(status.Workspaces), name)
		out <- prometheus.MustNewConstMetric(tierConformingMetric, prometheus.GaugeValue, float64(status.Conforming), name)
	}
}
