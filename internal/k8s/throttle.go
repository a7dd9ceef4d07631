package k8s

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/util/flowcontrol"
)

const (
	// RepairInterval is how often an object is repaired that another client keeps changing.
	RepairInterval = 10 * time.Second
	// firstBackoff doubles with each write: the first 16 writes take at least 33 ms together, and the 25th and all later ones
	// RepairInterval each.
	firstBackoff = time.Microsecond
	// quietPeriod is how long no write must have been necessary until an object is no longer contested.
	quietPeriod = time.Minute
	// writesUntilGC is after how many writes objects that are no longer contested are forgotten.
	writesUntilGC = 1024
)

// throttle bounds how often the same desired object is written: a second controller that wants something else, and
// writes as soon as we do, would otherwise cause endless writes. The state is lost at a restart.
type throttle struct {
	backoff   *flowcontrol.Backoff
	writes    atomic.Int64
	throttled atomic.Int64
}

func newThrottle() *throttle {
	backoff := flowcontrol.NewBackOff(firstBackoff, RepairInterval)
	backoff.HasExpiredFunc = func(now, last time.Time, _ time.Duration) bool { return now.Sub(last) >= quietPeriod }
	return &throttle{backoff: backoff}
}

// allow reports whether an object that is not as desired may be written now. A newly desired form is not throttled.
func (t *throttle) allow(object, hash string) bool {
	id, now := object+" "+hash, t.backoff.Clock.Now()
	if t.backoff.IsInBackOffSinceUpdate(id, now) {
		t.throttled.Add(1)
		return false
	}
	t.backoff.Next(id, now)
	if t.writes.Add(1)%writesUntilGC == 0 {
		t.backoff.GC()
	}
	return true
}

// isContested reports whether an object that is as desired was written so often lately that another client must have
// changed it.
func (t *throttle) isContested(object, hash string) bool {
	id := object + " " + hash
	if t.backoff.Get(id) < RepairInterval {
		return false
	}
	t.backoff.GC() // Get knows no expiry
	return t.backoff.Get(id) >= RepairInterval
}

// Register adds the Applier's metrics.
func (a *Applier) Register(r prometheus.Registerer) {
	r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "workspace_flyte_contested_writes_total",
		Help: "Writes that were throttled because another client keeps changing the same object.",
	}, func() float64 { return float64(a.throttle.throttled.Load()) }))
}

// Allow reports whether the object may be written now so that it has this hash. It is for writes past Apply and Prune.
func (a *Applier) Allow(object, hash string) bool { return a.throttle.allow(object, hash) }
