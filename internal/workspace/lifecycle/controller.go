// Package lifecycle reconciles Workspaces: one Reconcile observes, takes its steps in order, and writes the
// status once.
package lifecycle

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/semaphore"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/flowcontrol"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/tracing"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

// Projects is Flyte, as far as the lifecycle needs it. Errors are of the kinds of package flyte.
type Projects interface {
	EnsureProject(ctx context.Context, want flyte.Project) (changed bool, err error)
	// Differing returns the ids of the projects that Flyte does not have as sent, by one listing.
	Differing(ctx context.Context, sent []flyte.Project) (ids []string, err error)
}

// Leadership lets one replica reconcile at a time.
type Leadership interface {
	// Bind returns a context that ends with the leadership, or false on a replica that does not lead.
	Bind(ctx context.Context) (bound context.Context, release context.CancelFunc, ok bool)
}

// Options are what a Controller works with.
type Options struct {
	// Applier's client must see its own writes (EnableReadYourWritesConsistency): a read from a cache that lags behind
	// would write objects twice.
	Applier  *k8s.Applier
	Projects Projects
	// Flyte is where Projects are.
	Flyte      desired.Flyte
	Leadership Leadership
	Naming     *workspace.Naming
	Validator  *workspace.Validator
	Cluster    *desired.Cluster
	// Queues, if not nil, are the kinds of Kueue, which the tiers' queues need.
	Queues *k8s.Optional
	// PullSecrets, if not nil, are copied into the namespaces.
	PullSecrets *k8s.PullSecrets
	// ObjectKinds, if not nil, are the kinds that objects of tiers may have.
	ObjectKinds *k8s.ObjectKinds
	// ConsoleURL is where people find the project of a workspace.
	ConsoleURL func(id string) string
	Deletion   Deletion
	// NetworkNotEnforced, if not nil, reports whether the cluster is known not to enforce NetworkPolicies.
	NetworkNotEnforced func() bool
	// Reporting says that there is a workspace service. Without one, the controller removes what package workspaceservice has
	// written to the status of workspaces.
	Reporting bool
	// Relisted yields a value after each relist of a cached kind.
	Relisted <-chan struct{}
	// TierStatusInterval is how often the status of tiers is written at most. If it is zero, it is not written.
	TierStatusInterval time.Duration
	// Limits bound how many workspaces are provisioned, the oldest first.
	Limits  workspace.Limits
	Events  events.EventRecorder
	Metrics prometheus.Registerer
	Now     func() time.Time
}

// Controller reconciles Workspaces.
type Controller struct {
	Options
	client client.Client
	// tierObjects applies objects of tiers. It is nil if there are none.
	tierObjects *k8s.Applier
	progress    progress
	queue       queue
	// countWorkspaces is how many are cached. Setup sets it.
	countWorkspaces func() int
	// flyteSlots bound how many Reconciles call Flyte at once, each for at most flyteTimeout.
	flyteSlots   *semaphore.Weighted
	flyteTimeout time.Duration
	// rejections are the delays until a rejected project is sent to Flyte again, by workspace.
	rejections *flowcontrol.Backoff
	// listSoon has at most one request to list Flyte's projects.
	listSoon chan struct{}
	// changedProjects are the workspaces whose project another client changed in Flyte, by id. After a restart, the next listing
	// finds them again.
	changedProjects sync.Map
	orphans         orphans
	// repairs counts what was repaired, by kind.
	repairs     *prometheus.CounterVec
	timeToReady *timeToReady
	tiers       *tierProgress
	// beginningPurge is locked while a purge begins, so that none is counted twice.
	beginningPurge sync.Mutex
}

// New makes a Controller. Setup connects it to a manager.
func New(o Options) *Controller {
	c := &Controller{
		Options: o, client: o.Applier.Client, progress: progress{now: o.Now},
		flyteSlots: semaphore.NewWeighted(maxFlyteCalls), flyteTimeout: flyteTimeout,
		rejections: flowcontrol.NewBackOff(firstRejectionRetry, lastRejectionRetry),
		listSoon:   make(chan struct{}, 1),
		repairs:    newRepairs(o.Metrics), timeToReady: newTimeToReady(o.Metrics, o.Now),
		tiers: newTierProgress(),
	}
	o.Applier.OnRepair = c.recordRepair
	o.Metrics.MustRegister(&queueCollector{cached: c.client, queues: o.Queues})
	if o.ObjectKinds != nil {
		c.tierObjects = o.Applier.OfTierObjects(o.ObjectKinds.Client)
	}
	o.Metrics.MustRegister(&tierCollector{c.client})
	o.Metrics.MustRegister(&workspaceCollector{cached: c.client, naming: o.Naming, maximum: o.Limits.Workspaces, now: o.Now})
	return c
}

// Reconcile makes the cluster and Flyte match one Workspace, and writes its status once, if it changed. On a replica that does not lead it
// does nothing: all workspaces are queued again when the lease is acquired.
func (c *Controller) Reconcile(ctx context.Context, r reconcile.Request) (_ reconcile.Result, err error) {
	defer c.progress.begin()()
	defer c.queue.done(r)
	ctx, release, leads := c.Leadership.Bind(ctx)
	defer release()
	if !leads {
		return reconcile.Result{}, nil
	}
	var w v1alpha1.Workspace
	switch err := c.Applier.Get(ctx, r.NamespacedName, &w); {
	case apierrors.IsNotFound(err):
		return reconcile.Result{}, c.deleted(ctx, r.Name)
	case err != nil:
		return reconcile.Result{}, err
	}
	ctx, span := startSpan(ctx, &w)
	defer func() { tracing.End(span, err) }()
	return c.reconcile(ctx, &w)
}

// deleted forgets a Workspace that does not exist any more. What it had is released, untouched.
func (c *Controller) deleted(ctx context.Context, id string) error {
	c.timeToReady.remove(id)
	c.tiers.remove(id)
	return c.reportOrphans(ctx, id)
}

func (c *Controller) reconcile(ctx context.Context, w *v1alpha1.Workspace) (reconcile.Result, error) {
	var outcomes []outcome
	c.orphans.changed(w.Name, nil)
	c.timeToReady.begin(ctx, w)
	purge, err := c.beginPurge(ctx, w)
	if err == nil {
		before := w.DeepCopy()
		outcomes = append(c.steps(ctx, w), purge)
		setConditions(w, outcomes)
		trace.SpanFromContext(ctx).SetAttributes(attribute.String("reason", w.ReadyCondition().Reason))
		if !c.Reporting {
			removeReports(w)
		}
		err = c.writeStatus(ctx, before, w)
	}
	if err != nil {
		return retryAfter(err)
	}
	return next(outcomes)
}

// retryAfter is the result of a Reconcile that could not write the status.
func retryAfter(err error) (reconcile.Result, error) {
	switch {
	case apierrors.IsConflict(err):
		return reconcile.Result{RequeueAfter: firstRetry}, nil // the Workspace changed meanwhile; no error
	case errors.Is(err, k8s.ErrThrottled):
		return reconcile.Result{RequeueAfter: k8s.RepairInterval}, nil // the metric alone says so
	}
	return reconcile.Result{}, err
}

// Stalled reports whether a Reconcile has not ended for limit, or work waits and no worker has started any for limit. It
// learns of waiting work by being called, so call it often.
func (c *Controller) Stalled(limit time.Duration) bool {
	return c.progress.stalled(limit, c.queue.ready())
}
