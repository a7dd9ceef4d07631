package harness

import (
	"context"
	"slices"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/devcluster/service"
)

// Metrics reads the service's metrics.
func (e *Env) Metrics(t testing.TB) service.Measured {
	t.Helper()
	m, err := e.Service.Measure(t.Context())
	Must(t, err)
	return m
}

// Metric is the sum over a metric's series.
func (e *Env) Metric(t testing.TB, name string) float64 {
	t.Helper()
	return e.Metrics(t).Sum(name)
}

// AwaitGrowth waits until a metric of s is greater than it is now.
func AwaitGrowth(t testing.TB, s *service.Service, name string) {
	t.Helper()
	before := -1.0
	Eventually(t, name+" to grow", func(ctx context.Context) bool {
		m, err := s.Measure(ctx)
		if err == nil && before < 0 {
			before = m.Sum(name)
		}
		return err == nil && m.Sum(name) > before
	})
}

// Quantile is the q-quantile of the times.
func Quantile(of []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	i := min(int(q*float64(len(sorted))), len(sorted)-1)
	return sorted[i].Round(10 * time.Microsecond)
}
