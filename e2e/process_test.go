package e2e

import (
	"slices"
	"testing"
	"time"
)

// leakSlack is what comes and goes by itself: timers, the connection of whoever reads the metrics.
const leakSlack = 10

// process is what the service tells of its own process.
type process struct{ goroutines, files, cpu float64 }

// measure reads the service's metrics.
func measure(t *testing.T) process {
	t.Helper()
	m, err := world.service.Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := process{m.Sum("go_goroutines"), m.Sum("process_open_fds"), m.Sum("process_cpu_seconds_total")}
	if p.goroutines == 0 || p.files == 0 || p.cpu == 0 {
		t.Fatalf("the metrics lack what they should have: %+v", p)
	}
	return p
}

// quantile is the time that this part of all stays within.
func quantile(of []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	i := min(int(q*float64(len(sorted))), len(sorted)-1)
	return sorted[i].Round(10 * time.Microsecond)
}
