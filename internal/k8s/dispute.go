package k8s

import (
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// disputeBurst is how often one object is put right at once, whatever somebody else does to it.
	disputeBurst = 20
	// DisputeInterval is how often it is put right after that.
	DisputeInterval = 10 * time.Second
	// disputePeace is how long nobody else must have changed it until the dispute is over.
	disputePeace = time.Minute
	// disputesKept is how many objects are remembered before old ones are looked for.
	disputesKept = 1024
)

// disputes bounds how often the same wish is written to one object: a second controller that wants something else, and
// writes as soon as we do, would otherwise keep both and the API server busy for ever. What it remembers is no truth,
// only a brake: a restart lets go of it. The zero value is ready.
type disputes struct {
	mu      sync.Mutex
	objects map[string]*dispute
	prune   int
	held    int
}

// dispute is what was written to one object.
type dispute struct {
	// want is the digest of the wish. A new wish is no dispute.
	want   string
	writes int
	// wrote is when it was last written, wrong when it was last found to be otherwise than wanted.
	wrote, wrong time.Time
}

// begin tells whether an object that is not as wanted may be written now.
func (d *disputes) begin(key, want string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	about := d.objects[key]
	if about == nil || about.want != want || now.Sub(about.wrong) >= disputePeace {
		about = d.add(key, want, now)
	}
	about.wrong = now
	if about.writes >= disputeBurst && now.Sub(about.wrote) < DisputeInterval {
		d.held++
		return false
	}
	about.writes++
	about.wrote = now
	return true
}

// over tells whether an object that is as wanted is so in peace.
func (d *disputes) over(key, want string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	about := d.objects[key]
	return about == nil || about.want != want || about.writes < disputeBurst || now.Sub(about.wrong) >= disputePeace
}

func (d *disputes) add(key, want string, now time.Time) *dispute {
	if len(d.objects) >= d.prune {
		maps.DeleteFunc(d.objects, func(_ string, old *dispute) bool { return now.Sub(old.wrong) >= disputePeace })
		d.prune = max(disputesKept, 2*len(d.objects))
	}
	if d.objects == nil {
		d.objects = map[string]*dispute{}
	}
	d.objects[key] = &dispute{want: want}
	return d.objects[key]
}

func (d *disputes) heldBack() float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return float64(d.held)
}

// Register adds the Applier's metrics.
func (a *Applier) Register(r prometheus.Registerer) {
	r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "workspace_flyte_contested_writes_total",
		Help: "Writes held back since somebody else keeps changing the same object.",
	}, a.disputes.heldBack))
}

// Begin tells whether something that is not as wanted may be written now; key names it, and want is its wish. It is
// for what is written past Apply and Remove.
func (a *Applier) Begin(key, want string) bool { return a.disputes.begin(key, want, time.Now()) }
