package main

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// registerMetrics registers what no single part knows.
func (s *service) registerMetrics(r prometheus.Registerer) {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "workspace_flyte_build_info",
		Help: "Always 1; the labels say what was built.",
		ConstLabels: prometheus.Labels{
			"version": version, "commit": commit, "date": date, "goversion": runtime.Version(),
		},
	})
	info.Set(1)
	metrics.RegisterRESTClientMetrics(metrics.MetricRequestLatency)
	r.MustRegister(info,
		gauge("workspace_flyte_leader", "1 if the replica reconciles, since it holds the lease.", s.lease.Leads),
		gauge("workspace_flyte_flyte_up", "1 if Flyte and its database answered the replica's last probe, which it sends every 10 s.",
			s.flyte.up.Load))
}

// gauge is 1 while is returns true.
func gauge(name, help string, is func() bool) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
		if is() {
			return 1
		}
		return 0
	})
}
