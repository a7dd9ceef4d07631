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

func newMetrics(r prometheus.Registerer, b *breaker) *metrics {
	m := &metrics{reports: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "workspace_flyte_reports_total",
		Help: "Reports sent to the workspace service, by what became of them. What failed is sent again.",
	}, []string{"outcome"})}
	for _, outcome := range []string{outcomeTaken, outcomeRefused, outcomeFailed} {
		m.reports.WithLabelValues(outcome)
	}
	r.MustRegister(m.reports, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "workspace_flyte_report_circuit_open",
		Help: "1 while reports wait because the workspace service fails or has asked to wait.",
	}, func() float64 {
		if b.isOpen() {
			return 1
		}
		return 0
	}))
	return m
}
