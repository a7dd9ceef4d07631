package scale

import "testing"

// leakSlack is how many goroutines and files come and go by themselves: timers, the connection that reads the metrics.
const leakSlack = 10

// process is what the service's metrics say about its process.
type process struct{ goroutines, files, cpu float64 }

func measure(t *testing.T) process {
	t.Helper()
	m := shared.Env().Metrics(t)
	p := process{m.Sum("go_goroutines"), m.Sum("process_open_fds"), m.Sum("process_cpu_seconds_total")}
	if p.goroutines == 0 || p.files == 0 || p.cpu == 0 {
		t.Fatalf("metrics are missing: %+v", p)
	}
	return p
}
