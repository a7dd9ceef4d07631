package e2e

import (
	"bufio"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// leakSlack is what comes and goes by itself: timers, the connection of whoever reads the metrics.
const leakSlack = 10

// process is what the service tells of its own process.
type process struct{ goroutines, files, cpu float64 }

// measure reads the service's metrics.
func measure(t *testing.T) (p process) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, world.service.Metrics, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r, err := do(request)
	if err != nil || r.status != http.StatusOK {
		t.Fatalf("reading the metrics: %d %v", r.status, err)
	}
	wanted := map[string]*float64{"go_goroutines": &p.goroutines, "process_open_fds": &p.files, "process_cpu_seconds_total": &p.cpu}
	for lines := bufio.NewScanner(strings.NewReader(r.body)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if into, ok := wanted[name]; ok {
			if *into, err = strconv.ParseFloat(value, 64); err != nil {
				t.Fatal(err)
			}
			delete(wanted, name)
		}
	}
	if len(wanted) > 0 {
		t.Fatalf("the metrics lack %v", wanted)
	}
	return p
}

// quantile is the time that this part of all stays within.
func quantile(of []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	i := min(int(q*float64(len(sorted))), len(sorted)-1)
	return sorted[i].Round(10 * time.Microsecond)
}
