package workspaceservice

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// resyncMetrics are the resync's. Every label has a fixed set of values.
type resyncMetrics struct {
	resyncs, differences *prometheus.CounterVec
}

// outcomeComplete is that of a listing that was read to its end.
const outcomeComplete = "complete"

// countTimeout bounds the look into the cache for the number of orphans.
const countTimeout = time.Second

func newResyncMetrics(r prometheus.Registerer, cached client.Reader) *resyncMetrics {
	m := &resyncMetrics{
		resyncs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "workspace_flyte_resyncs_total",
			Help: "Readings of the workspace service's listing: complete, or failed, which changes nothing.",
		}, []string{"outcome"}),
		differences: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "workspace_flyte_resync_differences_total",
			Help: "Differences between the listing and the Workspaces, by what they were.",
		}, []string{"difference"}),
	}
	for _, outcome := range []string{outcomeComplete, outcomeFailed} {
		m.resyncs.WithLabelValues(outcome)
	}
	for _, what := range []string{
		DifferenceContent, DifferenceState, DifferenceRefused, DifferenceConflict, DifferenceOrphaned, DifferenceListed,
	} {
		m.differences.WithLabelValues(what)
	}
	r.MustRegister(m.resyncs, m.differences, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "workspace_flyte_orphans",
		Help: "Workspaces that the workspace service does not list.",
	}, func() float64 { return countOrphans(context.Background(), cached) }))
	return m
}

// countOrphans looks at the conditions: every replica tells the same, whichever of them leads.
func countOrphans(ctx context.Context, cached client.Reader) (n float64) {
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	var all v1alpha1.WorkspaceList
	if err := cached.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return 0
	}
	for i := range all.Items {
		if meta.IsStatusConditionTrue(all.Items[i].Status.Conditions, v1alpha1.ConditionOrphaned) {
			n++
		}
	}
	return n
}
