package webhook

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// metrics are those of the POST routes. Every label has a fixed set of values.
type metrics struct {
	deliveries       *prometheus.CounterVec
	refusals         *prometheus.CounterVec
	limited          *prometheus.CounterVec
	conflicts        *prometheus.CounterVec
	seconds          prometheus.Histogram
	storing, waiting prometheus.Gauge
}

func newMetrics(r prometheus.Registerer, h *Handler) *metrics {
	m := &metrics{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "workspace_flyte_webhook_deliveries_total",
			Help: "Requests on the POST routes, by event (provision, unknown, or none if the body was not decoded) and outcome: " +
				"that of an accepted request, or the status of an error.",
		}, []string{"event", "outcome"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "workspace_flyte_webhook_signature_refusals_total",
			Help: "Requests refused for their signature, by reason.",
		}, []string{"reason"}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "workspace_flyte_webhook_rate_limited_total",
			Help: "Requests answered 429 because their client had exhausted its limit, by bucket: signed for requests with a valid signature, " +
				"unsigned for all others on the POST routes, read for the read API.",
		}, []string{"bucket"}),
		conflicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "workspace_flyte_webhook_version_conflicts_total",
			Help: "Events answered 409 because they say something else at a version that was used before, by register: content or state.",
		}, []string{"register"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "workspace_flyte_webhook_seconds",
			Help:    "Seconds from a request on a POST route to its answer.",
			Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 25},
		}),
	}
	for _, reason := range signature.Reasons() {
		m.refusals.WithLabelValues(string(reason))
	}
	for _, b := range []bucket{signed, unsigned, read} {
		m.limited.WithLabelValues(string(b))
	}
	for _, register := range []workspace.Register{workspace.RegisterContent, workspace.RegisterState} {
		m.conflicts.WithLabelValues(string(register))
	}
	r.MustRegister(m.deliveries, m.refusals, m.limited, m.conflicts, m.seconds, h.keys)
	m.registerInFlight(r, h)
	return m
}

// registerInFlight shows how many requests are under way, and what they use.
func (m *metrics) registerInFlight(r prometheus.Registerer, h *Handler) {
	phase := func(name string) prometheus.GaugeOpts {
		return prometheus.GaugeOpts{
			Name: "workspace_flyte_webhook_in_flight", ConstLabels: prometheus.Labels{"phase": name},
			Help: "Requests on the POST routes under way: their body is being read, they are being stored, or they wait for Ready.",
		}
	}
	m.storing, m.waiting = prometheus.NewGauge(phase("storing")), prometheus.NewGauge(phase("waiting"))
	r.MustRegister(m.storing, m.waiting,
		prometheus.NewGaugeFunc(phase("reading"), func() float64 { return float64(h.readers.len()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "workspace_flyte_webhook_large_body_bytes",
			Help: "Memory in use for bodies above 32 KiB, from the beginning of reading to the end of decoding.",
		}, func() float64 { return float64(h.readers.used.Load() * maxBody) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "workspace_flyte_webhook_write_limit",
			Help: "How many events may be written to the API server at a time. It follows how many the API server completes.",
		}, func() float64 { return float64(h.writes.current()) }))
}

// inFlight counts one more request in a phase until done is called.
func inFlight(phase prometheus.Gauge) (done func()) {
	phase.Inc()
	return phase.Dec
}

func (m *metrics) observeRefusal(err error) {
	if refused, ok := errors.AsType[*signature.Error](err); ok {
		m.refusals.WithLabelValues(string(refused.Reason)).Inc()
	}
}
