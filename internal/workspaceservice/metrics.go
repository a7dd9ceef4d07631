package workspaceservice

import "github.com/prometheus/client_golang/prometheus"

// metrics are the reporter's. Every label has a fixed set of values.
type metrics struct {
	reports *prometheus.CounterVec
}

// The outcomes of a report that was sent.
const (
	outcomeTaken   = "taken"
	outcomeRefused = "refused"
	outcomeFailed  = "failed"
)

func newMetrics(r prometheus.Registerer, g *gate) *metrics {
	m := &metrics{reports: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "workspace_flyte_reports_total",
		Help: "Reports sent to the workspace service, by what became of them. What failed is sent again.",
	}, []string{"outcome"})}
	for _, outcome := range []string{outcomeTaken, outcomeRefused, outcomeFailed} {
		m.reports.WithLabelValues(outcome)
	}
	r.MustRegister(m.reports, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "workspace_flyte_reports_resting",
		Help: "1 while no reports are sent since the workspace service fails or asks for rest.",
	}, func() float64 {
		if g.resting() {
			return 1
		}
		return 0
	}))
	return m
}
