package workspaceservice

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// Store keeps Workspaces, as for the edge.
type Store interface {
	// Record stores an event, unless it raises neither register.
	Record(context.Context, workspace.Event, workspace.Delivery) (*v1alpha1.Workspace, workspace.Outcome, error)
}

// ResyncOptions are what a Resync works with.
type ResyncOptions struct {
	Client *Client
	// Cached reads Workspaces, perhaps from informers, and writes to the API server; Live reads from there.
	Cached    client.Client
	Live      client.Reader
	Store     Store
	Validator *workspace.Validator
	// Interval is how often the listing is read.
	Interval time.Duration
	// After, if there is one, is called after each listing that was read to its end.
	After   func()
	Metrics prometheus.Registerer
	// DryRun tells in what the two differ, and changes nothing.
	DryRun bool
}

// Resync reads the workspace service's listing, so that events that never arrived take effect. What is listed goes
// through the same rules and registers as webhooks; what is not listed is reported and never deleted; a listing that
// can't be read to its end changes nothing.
type Resync struct {
	ResyncOptions
	metrics *resyncMetrics
	limiter *rate.Limiter
}

// NewResync makes a Resync and registers its metrics.
func NewResync(o ResyncOptions) *Resync {
	return &Resync{ResyncOptions: o, metrics: newResyncMetrics(o.Metrics, o.Cached), limiter: rate.NewLimiter(maxRate, 1)}
}

// What a Difference can be.
const (
	DifferenceContent  = "content"
	DifferenceState    = "state"
	DifferenceRefused  = "refused"
	DifferenceConflict = "conflict"
	DifferenceOrphaned = "orphaned"
	DifferenceListed   = "listed again"
)

// Difference is one thing in which the listing and the Workspaces differed.
type Difference struct {
	WorkspaceID string
	// What is one of the constants above.
	What string
	// Detail says from what to what, or why not.
	Detail string
}

// Run reads the listing at once and then at every interval, until ctx ends with the leadership. After a failure it tries
// again sooner.
func (r *Resync) Run(ctx context.Context) {
	for failures := 0; ; {
		wait := r.Interval - jitter(r.Interval/20) // within the interval, and not all services at once
		differences, err := r.Once(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			failures++
			wait = min(wait, backoff(failures))
			log.FromContext(ctx).Error(err, "resync failed; it is tried again")
		default:
			failures = 0
			tell(ctx, differences)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

func tell(ctx context.Context, differences []Difference) {
	logger := log.FromContext(ctx)
	for _, d := range differences[:min(maxLogged, len(differences))] {
		logger.Info("resync", "workspace", d.WorkspaceID, "difference", d.What, "detail", d.Detail)
	}
	if more := len(differences) - maxLogged; more > 0 {
		logger.Info("resync found more differences", "number", more)
	}
}

// Once reads the whole listing, applies what is newer there, and marks what it lacks. It tells in what the two differed.
// An error of a single workspace is a difference of its own, and doesn't stop the others.
func (r *Resync) Once(ctx context.Context) (differences []Difference, err error) {
	listing, err := r.read(ctx)
	if err != nil {
		r.metrics.resyncs.WithLabelValues(outcomeFailed).Inc()
		return nil, err
	}
	differences = listing.refused
	for _, c := range listing.changes {
		if err := r.limiter.Wait(ctx); err != nil {
			return differences, err
		}
		differences = append(differences, r.apply(ctx, c))
	}
	marked, err := r.mark(ctx, listing)
	differences = append(differences, marked...)
	for _, d := range differences {
		r.metrics.differences.WithLabelValues(d.What).Inc()
	}
	r.metrics.resyncs.WithLabelValues(outcomeComplete).Inc()
	if r.After != nil {
		r.After()
	}
	return differences, err
}

// update is an event that would change a Workspace.
type update struct {
	event workspace.Event
	// detail says from what to what.
	detail string
}

// apply stores one event, as the edge does.
func (r *Resync) apply(ctx context.Context, u update) Difference {
	what := DifferenceState
	if u.event.Type.HasContent() {
		what = DifferenceContent
	}
	if r.DryRun {
		return Difference{u.event.Data.WorkspaceID, what, u.detail}
	}
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	// A delivery id of its own: what was listed before may come again, by a webhook or not.
	_, _, err := r.Store.Record(ctx, u.event, workspace.NewDelivery("resync_"+rand.Text(), nil))
	if err != nil {
		return Difference{u.event.Data.WorkspaceID, refusalOf(err), fmt.Sprintf("%s: %v", u.event.Type, err)}
	}
	return Difference{u.event.Data.WorkspaceID, what, u.detail}
}
