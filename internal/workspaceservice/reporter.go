package workspaceservice

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/tracing"
)

// Leadership lets one replica report at a time.
type Leadership interface {
	Bind(ctx context.Context) (bound context.Context, release context.CancelFunc, ok bool)
}

// Options are the dependencies of a Reporter.
type Options struct {
	Client *Client
	// Cached reads from the informers and writes to the API server; Live reads from the API server.
	Cached     client.Client
	Live       client.Reader
	Leadership Leadership
	Events     events.EventRecorder
	Metrics    prometheus.Registerer
}

// Reporter reports the outcome of each workspace to the workspace service.
type Reporter struct {
	Options
	breaker *breaker
	limiter *rate.Limiter
	reports *prometheus.CounterVec
	queue   atomic.Pointer[queue]
	// refused has the hashes of the reports that the workspace service refused, by workspace. They are not sent again until
	// the next start or [Reporter.RetryRefused].
	refused sync.Map
}

// NewReporter makes a Reporter and registers its metrics. Setup adds it to a manager.
func NewReporter(o Options) *Reporter {
	b := newBreaker()
	return &Reporter{
		Options: o, breaker: b, limiter: rate.NewLimiter(maxRate, workers), reports: newReporterMetrics(o.Metrics, b),
	}
}

// Paused reports whether reports wait because the workspace service fails or asked to wait.
func (r *Reporter) Paused() bool { return r.breaker.isOpen() }

// Reconcile reports a workspace if its outcome is not the one in status.reported. It sends what it reads from the API server
// directly before: so an outdated report is never sent, and no stale cache makes a new leader repeat an older one.
func (r *Reporter) Reconcile(ctx context.Context, q reconcile.Request) (reconcile.Result, error) {
	ctx, release, leads := r.Leadership.Bind(ctx)
	defer release()
	if !leads {
		return reconcile.Result{}, nil
	}
	if _, due, err := r.read(ctx, r.Cached, q.Name); !due {
		return reconcile.Result{}, err
	}
	if wait := r.breaker.retryAfter(); wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	if err := r.limiter.Wait(ctx); err != nil { // a fraction of a second: as many wait as there are workers
		return reconcile.Result{}, nil // not the leader any more; the next one reports every workspace
	}
	m, due, err := r.read(ctx, r.Live, q.Name)
	if !due {
		return reconcile.Result{}, err
	}
	wait, err := r.breaker.do(func() error { return r.post(ctx, m) })
	if wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	return reconcile.Result{}, r.record(ctx, m, err)
}

// post sends a report, in the trace of the delivery that it is about.
func (r *Reporter) post(ctx context.Context, m message) (err error) {
	const scope = "platform.company.com/workspace-flyte-integration/internal/workspaceservice"
	ctx, span := tracing.StartSpan(ctx, otel.Tracer(scope), "Report", m.workspace, true)
	defer func() { tracing.End(span, err) }()
	return r.Client.post(ctx, m)
}

// read makes the report of a workspace, and reports whether to send it.
func (r *Reporter) read(ctx context.Context, from client.Reader, id string) (m message, due bool, err error) {
	var w v1alpha1.Workspace
	if err := from.Get(ctx, client.ObjectKey{Name: id}, &w); err != nil {
		r.refused.Delete(id)
		return message{}, false, client.IgnoreNotFound(err) // a Workspace that is deleted by hand has no outcome
	}
	m, due = newMessage(&w)
	refused, _ := r.refused.Load(id)
	return m, due && refused != m.hash, nil
}

// record writes the outcome of a report to the status. It returns an error if the report has to be retried.
func (r *Reporter) record(ctx context.Context, m message, err error) error {
	refused := refusal(err)
	switch {
	case err == nil:
		r.reports.WithLabelValues(resultAccepted).Inc()
		log.FromContext(ctx).Info("reported", "status", m.report.Status, "version", m.report.Version)
		_, err = r.updateStatus(ctx, m, m.markReported)
		return err
	case refused != nil:
		r.reports.WithLabelValues(resultRefused).Inc()
		r.refused.Store(m.workspace.Name, m.hash)
		written, err := r.updateStatus(ctx, m, markRefused(refused.Error()))
		if written {
			r.Events.Eventf(m.workspace, nil, corev1.EventTypeWarning, v1alpha1.ReasonReportRefused, "Report", "%s", refused)
		}
		return err
	case ctx.Err() != nil:
		return nil //nolint:nilerr // not the leader any more
	}
	r.reports.WithLabelValues(resultFailed).Inc()
	return fmt.Errorf("%w; it is retried", err)
}

// RetryRefused sends refused reports again, in case the workspace service accepts them now.
func (r *Reporter) RetryRefused() {
	r.refused.Range(func(id, _ any) bool {
		r.refused.Delete(id)
		r.enqueue(id.(string)) //nolint:forcetypeassert // nothing else is stored
		return true
	})
}
