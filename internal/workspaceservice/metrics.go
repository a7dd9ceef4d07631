package workspaceservice

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// The results of a report, and of the reading of a listing.
const (
	resultAccepted = "accepted"
	resultRefused  = "refused"
	resultFailed   = "failed"
	resultComplete = "complete"
)

// newCounters makes counters with all values of their only label, so that each is there from the start.
func newCounters(r prometheus.Registerer, name, help, label string, values ...string) *prometheus.CounterVec {
	counters := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	for _, value := range values {
		counters.WithLabelValues(value)
	}
	r.MustRegister(counters)
	return counters
}

// newReporterMetrics returns the counters of reports by outcome.
func newReporterMetrics(r prometheus.Registerer, b *breaker) *prometheus.CounterVec {
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "workspace_flyte_report_circuit_open",
		Help: "1 while reports wait because the workspace service fails or has asked to wait.",
	}, func() float64 {
		if b.isOpen() {
			return 1
		}
		return 0
	}))
	return newCounters(r, "workspace_flyte_reports_total", "Reports sent to the workspace service, by outcome. Failed ones are retried.",
		"outcome", resultAccepted, resultRefused, resultFailed)
}

// resyncMetrics are the counters of a Resync.
type resyncMetrics struct {
	resyncs, differences *prometheus.CounterVec
}

func newResyncMetrics(r prometheus.Registerer, cached client.Reader) resyncMetrics {
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "workspace_flyte_unlisted_workspaces",
		Help: "Workspaces that the workspace service does not list.",
	}, func() float64 { return countUnlisted(context.Background(), cached) }))
	return resyncMetrics{
		resyncs: newCounters(r, "workspace_flyte_resyncs_total",
			"Readings of the workspace service's listing: complete, or failed, which changes nothing.",
			"outcome", resultComplete, resultFailed),
		differences: newCounters(r, "workspace_flyte_resync_differences_total",
			"Differences between the listing and the Workspaces, by kind.",
			"difference", DifferenceContent, DifferenceState, DifferenceRefused, DifferenceConflict, DifferenceUnlisted, DifferenceListed),
	}
}

// countUnlisted counts by the condition, so that every replica reports the same number.
func countUnlisted(ctx context.Context, cached client.Reader) (n float64) {
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	var all v1alpha1.WorkspaceList
	if err := cached.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return 0
	}
	for i := range all.Items {
		if meta.IsStatusConditionTrue(all.Items[i].Status.Conditions, v1alpha1.ConditionUnlisted) {
			n++
		}
	}
	return n
}
