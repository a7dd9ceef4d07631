package e2e

import (
	"context"
	"slices"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/devcluster/service"
)

// leakSlack is what comes and goes by itself: timers, the connection of whoever reads the metrics.
const leakSlack = 10

// process is what the service tells of its own process.
type process struct{ goroutines, files, cpu float64 }

// measure reads the service's metrics.
func measure(t *testing.T) process {
	t.Helper()
	m := metrics(t)
	p := process{m.Sum("go_goroutines"), m.Sum("process_open_fds"), m.Sum("process_cpu_seconds_total")}
	if p.goroutines == 0 || p.files == 0 || p.cpu == 0 {
		t.Fatalf("the metrics lack what they should have: %+v", p)
	}
	return p
}

func metrics(t *testing.T) service.Measured {
	t.Helper()
	m, err := world.service.Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// metric is the sum over a metric's series.
func metric(t *testing.T, name string) float64 {
	t.Helper()
	return metrics(t).Sum(name)
}

// grows awaits that a metric of svc is more than it is now.
func grows(t *testing.T, svc *service.Service, name string) {
	t.Helper()
	before := -1.0
	eventually(t, "growing "+name, func(ctx context.Context) bool {
		m, err := svc.Measure(ctx)
		if err == nil && before < 0 {
			before = m.Sum(name)
		}
		return err == nil && m.Sum(name) > before
	})
}

// quantile is the time that this part of all stays within.
func quantile(of []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	i := min(int(q*float64(len(sorted))), len(sorted)-1)
	return sorted[i].Round(10 * time.Microsecond)
}
