package webhook

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/prometheus/client_golang/prometheus"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// metrics are the edge's. Every label has a fixed set of values.
type metrics struct {
	deliveries *prometheus.CounterVec
	refusals   *prometheus.CounterVec
	limited    *prometheus.CounterVec
	conflicts  *prometheus.CounterVec
	seconds    prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "workspace_flyte_webhook_deliveries_total",
			Help: "Requests on the POST routes, by what became of them: an outcome, or the status of the error.",
		}, []string{"outcome"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "workspace_flyte_webhook_signature_refusals_total",
			Help: "Requests refused for their signature, by reason.",
		}, []string{"reason"}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "workspace_flyte_webhook_rate_limited_total",
			Help: "Requests answered 429 since their source had spent its budget: that for signed requests, or that for all others.",
		}, []string{"budget"}),
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
	for _, b := range []budget{signed, unsigned} {
		m.limited.WithLabelValues(string(b))
	}
	for _, register := range []workspace.Register{workspace.RegisterContent, workspace.RegisterState} {
		m.conflicts.WithLabelValues(string(register))
	}
	r.MustRegister(m.deliveries, m.refusals, m.limited, m.conflicts, m.seconds)
	return m
}

// gauge shows how many requests are under way, by what is done for them.
func (h *Handler) gauge(r prometheus.Registerer) {
	for phase, count := range map[string]func() int{
		"reading": h.reading.count,
		"storing": func() int { return len(h.storing) },
		"waiting": func() int { return len(h.waiting) },
	} {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "workspace_flyte_webhook_in_flight", ConstLabels: prometheus.Labels{"phase": phase},
			Help: "Requests on the POST routes under way: their body is being read, they are being stored, or they wait for Ready.",
		}, func() float64 { return float64(count()) }))
	}
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "workspace_flyte_webhook_large_body_bytes",
		Help: "Memory in use for bodies above 32 KiB, from the beginning of reading to the end of decoding.",
	}, func() float64 { return float64(h.reading.used.Load() * maxBody) }))
}

// gaugeWrites shows how many events may be written at a time.
func (h *Handler) gaugeWrites(r prometheus.Registerer) {
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "workspace_flyte_webhook_write_limit",
		Help: "How many events may be written to the API server at a time; it follows what the API server bears.",
	}, func() float64 { return float64(h.writes.current()) }))
}

func (m *metrics) refuse(err error) {
	if refused, ok := errors.AsType[*signature.Error](err); ok {
		m.refusals.WithLabelValues(string(refused.Reason)).Inc()
	}
}

// counted is an Echo handler that counts what the handler says became of the request.
func (h *Handler) counted(handle func(*echo.Context) (outcome string, err error)) echo.HandlerFunc {
	return func(c *echo.Context) (err error) {
		start, outcome := time.Now(), strconv.Itoa(http.StatusInternalServerError) // unless the handler returns
		defer hold(c.Request().Context())()
		defer func() {
			h.metrics.deliveries.WithLabelValues(outcome).Inc()
			h.metrics.seconds.Observe(time.Since(start).Seconds())
		}()
		outcome, err = handle(c)
		if err != nil {
			outcome = strconv.Itoa(problemOf(err).Status)
			h.noteConflict(c, err)
		}
		return err
	}
}

// noteConflict counts and logs an event that uses a version for the second time: its sender is at fault, and nobody else
// would learn of it.
func (h *Handler) noteConflict(c *echo.Context, err error) {
	if conflict, ok := errors.AsType[*workspace.VersionConflictError](err); ok {
		h.metrics.conflicts.WithLabelValues(string(conflict.Register)).Inc()
		c.Logger().Warn("refused an event that uses a version twice", "error", err)
	}
}
