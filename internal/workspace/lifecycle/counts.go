package lifecycle

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// notReconciled is the reason of a workspace that has no condition yet.
const notReconciled = "NotReconciled"

// readiness has the labels of workspacesMetric.
type readiness struct{ state, ready, reason string }

// counts are the workspaces by readiness.
type counts map[readiness]struct {
	workspaces int
	oldest     time.Duration // for which one of them has not been Ready
}

func (c counts) add(w *v1alpha1.Workspace, now time.Time) {
	ready := w.ReadyCondition()
	is := readiness{state: string(w.Spec.State), ready: string(ready.Status), reason: ready.Reason}
	since := ready.LastTransitionTime.Time
	if ready.Status == "" {
		is.ready, is.reason, since = string(metav1.ConditionUnknown), notReconciled, w.CreationTimestamp.Time
	}
	n := c[is]
	n.workspaces++
	if ready.Status != metav1.ConditionTrue {
		n.oldest = max(n.oldest, now.Sub(since))
	}
	c[is] = n
}

func (c counts) collect(out chan<- prometheus.Metric) {
	oldest := map[string]time.Duration{}
	for is, n := range c {
		out <- prometheus.MustNewConstMetric(workspacesMetric, prometheus.GaugeValue, float64(n.workspaces), is.state, is.ready, is.reason)
		if is.ready != string(metav1.ConditionTrue) {
			oldest[is.reason] = max(oldest[is.reason], n.oldest)
		}
	}
	for reason, age := range oldest {
		out <- prometheus.MustNewConstMetric(oldestNotReadyMetric, prometheus.GaugeValue, age.Seconds(), reason)
	}
}
