package workspaceservice

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// Leadership lets one replica report at a time.
type Leadership interface {
	Bind(ctx context.Context) (bound context.Context, release context.CancelFunc, ok bool)
}

// Options are what a Reporter works with.
type Options struct {
	Client *Client
	// Cached reads from the informers and writes to the API server, Live reads from the API server.
	Cached     client.Client
	Live       client.Reader
	Leadership Leadership
	Events     events.EventRecorder
	Metrics    prometheus.Registerer
}

// Reporter tells the workspace service what became of each workspace.
type Reporter struct {
	Options
	breaker *breaker
	limiter *rate.Limiter
	metrics *metrics
	queue   queue

	mu sync.Mutex
	// refused are the digests of the reports that the workspace service refuses, by workspace: they are not sent again
	// before the next start or [Reporter.RetryRefused].
	refused map[string]string
}

// NewReporter makes a Reporter and registers its metrics. Setup connects it to a manager.
func NewReporter(o Options) *Reporter {
	b := newBreaker()
	return &Reporter{
		Options: o, breaker: b, limiter: rate.NewLimiter(maxRate, workers), metrics: newMetrics(o.Metrics, b), refused: map[string]string{},
	}
}

// Reconcile reports one workspace, if there is something newer to say than what status.reported holds. What it sends is
// read from the API server when its turn has come: older reports that waited are never sent, and no lagging cache
// lets a new leader say what the one before it knew better.
func (r *Reporter) Reconcile(ctx context.Context, q reconcile.Request) (reconcile.Result, error) {
	ctx, release, leads := r.Leadership.Bind(ctx)
	defer release()
	if !leads {
		return reconcile.Result{}, nil
	}
	if due, err := r.due(ctx, r.Cached, q.Name); !due.ok || err != nil {
		return reconcile.Result{}, err
	}
	if wait := r.breaker.retryAfter(); wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	if err := r.limiter.Wait(ctx); err != nil { // a fraction of a second: as many wait as there are workers
		return reconcile.Result{}, nil //nolint:nilerr // not the leader any more; the next one reports every workspace
	}
	due, err := r.due(ctx, r.Live, q.Name)
	if !due.ok || err != nil {
		return reconcile.Result{}, err
	}
	wait, err := r.breaker.do(func() error { return r.Client.post(ctx, due.message) })
	if wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	return reconcile.Result{}, r.settle(ctx, due, err)
}

// due is a message that has to be sent of a Workspace.
type due struct {
	workspace *v1alpha1.Workspace
	message   message
	ok        bool
}

func (r *Reporter) due(ctx context.Context, from client.Reader, id string) (d due, err error) {
	var w v1alpha1.Workspace
	if err := from.Get(ctx, client.ObjectKey{Name: id}, &w); err != nil {
		r.forget(id)
		// Who deletes a Workspace by hand releases what it had, and there is nothing to say of it.
		return due{}, client.IgnoreNotFound(err)
	}
	m, unsaid := messageOf(&w)
	return due{workspace: &w, message: m, ok: unsaid && !r.isRefused(id, m.digest)}, nil
}

// settle notes how it went. An error has the report tried again.
func (r *Reporter) settle(ctx context.Context, d due, err error) error {
	refused, isRefused := errors.AsType[*RefusedError](err)
	switch {
	case err == nil:
		r.metrics.reports.WithLabelValues(outcomeTaken).Inc()
		log.FromContext(ctx).Info("reported", "status", d.message.report.Status, "version", d.message.report.Version)
		return r.note(ctx, d, taken(d.message))
	case isRefused:
		r.metrics.reports.WithLabelValues(outcomeRefused).Inc()
		r.refuse(d.workspace.Name, d.message.digest)
		return r.note(ctx, d, turnedDown(refused))
	case ctx.Err() != nil:
		return nil //nolint:nilerr // not the leader any more
	}
	r.metrics.reports.WithLabelValues(outcomeFailed).Inc()
	return fmt.Errorf("%w; it is tried again", err)
}

func (r *Reporter) refuse(id, digest string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused[id] = digest
}

func (r *Reporter) isRefused(id, digest string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refused[id] == digest
}

func (r *Reporter) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.refused, id)
}

// RetryRefused sends again what was refused, in case the workspace service has been put right.
func (r *Reporter) RetryRefused() {
	r.mu.Lock()
	ids := r.refused
	r.refused = map[string]string{}
	r.mu.Unlock()
	for id := range ids {
		r.queue.add(request(id))
	}
}
