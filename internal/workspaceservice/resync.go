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

// Store stores events as Workspaces.
type Store interface {
	// Record stores an event, unless it raises neither register.
	Record(context.Context, workspace.Event, workspace.Delivery) (*v1alpha1.Workspace, workspace.Outcome, error)
}

// ResyncOptions are the dependencies of a Resync.
type ResyncOptions struct {
	Client *Client
	// Cached reads Workspaces, perhaps from informers, and writes to the API server; Live reads from the API server.
	Cached    client.Client
	Live      client.Reader
	Store     Store
	Validator *workspace.Validator
	// Interval is how often the listing is read.
	Interval time.Duration
	// OnComplete, if it is not nil, is called after each listing that was read completely.
	OnComplete func()
	Metrics    prometheus.Registerer
	// DryRun returns the differences and changes nothing.
	DryRun bool
}

// Resync reads the workspace service's listing, so that lost events still take effect. Listed items pass the same rules and
// registers as webhooks. Workspaces that are not listed get a condition, and are never deleted. A listing that can't be read
// completely changes nothing.
type Resync struct {
	ResyncOptions
	metrics resyncMetrics
	limiter *rate.Limiter
}

// NewResync makes a Resync and registers its metrics.
func NewResync(o ResyncOptions) *Resync {
	return &Resync{ResyncOptions: o, metrics: newResyncMetrics(o.Metrics, o.Cached), limiter: rate.NewLimiter(maxRate, 1)}
}

// The kinds of a Difference.
const (
	DifferenceContent  = "content"
	DifferenceState    = "state"
	DifferenceRefused  = "refused"
	DifferenceConflict = "conflict"
	DifferenceUnlisted = "unlisted"
	DifferenceListed   = "listed again"
)

// Difference is one difference between the listing and the Workspaces.
type Difference struct {
	WorkspaceID string
	Kind        string
	// Detail says what changes, or why nothing does.
	Detail string
}

// Run reads the listing at once and then at every interval, until ctx ends with the leadership. It retries failures sooner.
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
			log.FromContext(ctx).Error(err, "resync failed; it is retried", "after", wait)
		default:
			failures = 0
			logDifferences(ctx, differences)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

func logDifferences(ctx context.Context, differences []Difference) {
	logger := log.FromContext(ctx)
	for _, d := range differences[:min(maxLogged, len(differences))] {
		logger.Info("resync", "workspace", d.WorkspaceID, "difference", d.Kind, "detail", d.Detail)
	}
	if more := len(differences) - maxLogged; more > 0 {
		logger.Info("resync found more differences", "number", more)
	}
}

// Once reads the whole listing, stores what is newer there, marks the Workspaces that it lacks, and returns the differences. An
// error of a single workspace is a difference itself, and doesn't stop the others.
func (r *Resync) Once(ctx context.Context) (differences []Difference, err error) {
	c, err := r.compare(ctx)
	if err != nil {
		r.metrics.resyncs.WithLabelValues(resultFailed).Inc()
		return nil, err
	}
	differences = c.refused
	for _, u := range c.updates {
		if err := r.limiter.Wait(ctx); err != nil {
			return differences, err
		}
		differences = append(differences, r.store(ctx, u))
	}
	marked, err := r.markUnlisted(ctx, c)
	differences = append(differences, marked...)
	for _, d := range differences {
		r.metrics.differences.WithLabelValues(d.Kind).Inc()
	}
	r.metrics.resyncs.WithLabelValues(resultComplete).Inc()
	if r.OnComplete != nil {
		r.OnComplete()
	}
	return differences, err
}

// store stores one event, as the webhook does.
func (r *Resync) store(ctx context.Context, u update) Difference {
	d := Difference{u.event.Data.WorkspaceID, DifferenceState, u.detail}
	if u.event.Type.HasContent() {
		d.Kind = DifferenceContent
	}
	if r.DryRun {
		return d
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	// A delivery id of its own: a webhook may bring the same event later.
	_, _, err := r.Store.Record(ctx, u.event, workspace.NewDelivery("resync_"+rand.Text(), nil, time.Now()))
	if err != nil {
		d.Kind, d.Detail = refusedKind(err), fmt.Sprintf("%s: %v", u.event.Type, err)
	}
	return d
}
