package lifecycle

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// The phases of a deletion.
const (
	phaseArchived  = "archived"
	phaseGrace     = "grace"
	phasePaused    = "paused"
	phasePurging   = "purging"
	phaseStuck     = "stuck"
	phaseTombstone = "tombstone"
)

// deletions are the deleted workspaces by phase.
type deletions struct {
	phases map[string]int
	// oldestPurge is the time since the oldest unfinished purge began.
	oldestPurge time.Duration
}

func newDeletions() *deletions {
	return &deletions{phases: map[string]int{
		phaseArchived: 0, phaseGrace: 0, phasePaused: 0, phasePurging: 0, phaseStuck: 0, phaseTombstone: 0,
	}}
}

func (d *deletions) add(w *v1alpha1.Workspace, now time.Time) {
	if phase := phaseOf(w); phase != "" {
		d.phases[phase]++
	}
	if w.Purging() {
		d.oldestPurge = max(d.oldestPurge, now.Sub(w.Status.Deletion.PurgeStartedAt.Time))
	}
}

func (d *deletions) collect(out chan<- prometheus.Metric) {
	for phase, n := range d.phases {
		out <- prometheus.MustNewConstMetric(deletionsMetric, prometheus.GaugeValue, float64(n), phase)
	}
	out <- prometheus.MustNewConstMetric(oldestPurgeMetric, prometheus.GaugeValue, d.oldestPurge.Seconds())
}

// phaseOf is "" for a workspace without a deletion.
func phaseOf(w *v1alpha1.Workspace) string {
	d, reason := w.Status.Deletion, w.ReadyCondition().Reason
	switch {
	case d == nil:
		return ""
	case w.Purging() && reason == v1alpha1.ReasonPurgeStuck:
		return phaseStuck
	case w.Purging():
		return phasePurging
	case d.PurgedAt != nil:
		return phaseTombstone
	case reason == v1alpha1.ReasonPurgePaused:
		return phasePaused
	case d.PurgeAt != nil:
		return phaseGrace
	}
	return phaseArchived
}
