package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/flowcontrol"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// Projects is Flyte, as far as the lifecycle needs it. Errors are of the kinds of package flyte.
type Projects interface {
	EnsureProject(ctx context.Context, want flyte.Project) (changed bool, err error)
	// Differing tells the ids of those that Flyte has not as wanted, by one listing.
	Differing(ctx context.Context, wanted []flyte.Project) (ids []string, err error)
}

// Leadership lets one replica reconcile at a time.
type Leadership interface {
	Hold(ctx context.Context) (bound context.Context, release context.CancelFunc, ok bool)
}

// Options are what a Controller works with.
type Options struct {
	// Applier's client must see its own writes (EnableReadYourWritesConsistency): a look at a cache that lags behind
	// would write things twice.
	Applier  *k8s.Applier
	Projects Projects
	// Flyte is where Projects are. Another one is another Flyte, whose projects are not known.
	Flyte      v1alpha1.FlyteServer
	Leadership Leadership
	Naming     *workspace.Naming
	Validator  *workspace.Validator
	Cluster    *k8s.Cluster
	// Domains are Flyte's, in which projects get attributes; none where Flyte has no attributes.
	Domains []string
	// PullSecrets, if not nil, are copied into the namespaces.
	PullSecrets *k8s.PullSecrets
	// ConsoleURL is where people find the project of a workspace.
	ConsoleURL func(id string) string
	Deletion   Deletion
	// Reporting says that there is a workspace service. Without one, the controller takes away what package report has written
	// of it to the status of workspaces.
	Reporting bool
	// Relisted yields a value after a kind that the caches hold was listed anew.
	Relisted <-chan struct{}
	// Limits bound how many workspaces are provisioned, the oldest first.
	Limits  workspace.Limits
	Events  events.EventRecorder
	Metrics prometheus.Registerer
	Now     func() time.Time
}

// Controller reconciles Workspaces.
type Controller struct {
	Options
	client   client.Client
	progress progress
	queue    queue
	fanOut   fanOut
	// asking has a place for each Reconcile that asks Flyte now, for as long as flytePatience.
	asking        chan struct{}
	flytePatience time.Duration
	// rejections are the delays until Flyte is asked again that rejected a project, by workspace.
	rejections *flowcontrol.Backoff
	// listSoon has a place for one request to list Flyte's projects.
	listSoon chan struct{}
	// changed are the workspaces whose project somebody else changed in Flyte, by id. What is lost of it, the next listing finds.
	changed sync.Map
	orphans orphans
	// beginning is held by the Reconcile that begins a purge, so that none is counted twice.
	beginning sync.Mutex
}

// New makes a Controller. Setup connects it to a manager.
func New(o Options) *Controller {
	c := &Controller{
		Options: o, client: o.Applier.Client, progress: progress{now: o.Now},
		asking: make(chan struct{}, maxAsking), flytePatience: flytePatience,
		rejections: flowcontrol.NewBackOff(firstRejectionRetry, lastRejectionRetry),
		listSoon:   make(chan struct{}, 1),
	}
	o.Metrics.MustRegister(&census{cached: c.client, naming: o.Naming, now: o.Now})
	return c
}

// Reconcile makes one Workspace true, and writes its status once, if it changed. On a replica that does not lead it
// does nothing: the queue is filled anew with all workspaces when the lease is acquired.
func (c *Controller) Reconcile(ctx context.Context, r reconcile.Request) (reconcile.Result, error) {
	defer c.progress.begin()()
	defer c.ended(r)
	ctx, release, leads := c.Leadership.Hold(ctx)
	defer release()
	if !leads {
		return reconcile.Result{}, nil
	}
	var w v1alpha1.Workspace
	var outcomes []outcome
	if err := c.Applier.Get(ctx, r.NamespacedName, &w); err != nil {
		if apierrors.IsNotFound(err) {
			// A Workspace that was deleted releases what it had, untouched.
			err = c.reportOrphans(ctx, r.Name)
		}
		return reconcile.Result{}, err
	}
	c.orphans.changed(w.Name, nil)
	begun, err := c.beginPurge(ctx, &w)
	if err == nil {
		before := w.DeepCopy()
		outcomes = append(c.run(ctx, &w), begun)
		settle(&w, outcomes)
		if !c.Reporting {
			forgetReports(&w)
		}
		err = c.writeStatus(ctx, before, &w)
	}
	if apierrors.IsConflict(err) {
		return reconcile.Result{RequeueAfter: firstRetry}, nil // changed meanwhile, which is no fault
	}
	if errors.Is(err, k8s.ErrContested) {
		return reconcile.Result{RequeueAfter: k8s.DisputeInterval}, nil // nowhere to say so but in the metric
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	return next(outcomes)
}

// writeStatus is guarded by resourceVersion: what was found of a Workspace must not be said of another one that has
// taken its name since, and whose generation may be the same.
func (c *Controller) writeStatus(ctx context.Context, before, after *v1alpha1.Workspace) error {
	if equality.Semantic.DeepEqual(before.Status, after.Status) {
		return nil
	}
	if !c.Applier.Begin(statusOf(after), wishOf(&after.Status)) {
		return k8s.ErrContested
	}
	guarded := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	err := c.client.Status().Patch(ctx, after.DeepCopy(), guarded)
	if apierrors.IsNotFound(err) {
		return nil // deleted meanwhile; nobody is left to tell
	}
	if err != nil {
		return fmt.Errorf("writing status: %w", err)
	}
	c.announce(ctx, before, after)
	return nil
}

// announce tells people, once, that a workspace became Ready or ceased to be. That a new one is Ready at once is what everybody
// expects, and no Event.
func (c *Controller) announce(ctx context.Context, before, after *v1alpha1.Workspace) {
	was, is := before.ReadyCondition(), after.ReadyCondition()
	if was.Status == is.Status && was.Reason == is.Reason {
		return
	}
	log.FromContext(ctx).Info("workspace changed", "ready", is.Status, "reason", is.Reason)
	if was.Status == "" && is.Status == metav1.ConditionTrue {
		return
	}
	c.Events.Eventf(after, nil, eventType(is), is.Reason, "Reconcile", "%s", is.Message)
}

// Stalled tells whether a Reconcile has not ended for limit, or work waits and no worker has taken any up for limit. It
// learns of work that waits by being called, so it wants to be called often.
func (c *Controller) Stalled(limit time.Duration) bool {
	return c.progress.stalled(limit, c.queue.waiting())
}
