package workspaceservice

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

type requests = workqueue.TypedRateLimitingInterface[reconcile.Request]

// queue is the controller's queue, once that has started. It holds each workspace once, however often it has changed.
type queue struct {
	mu sync.Mutex
	requests
}

// Setup watches Workspaces, and reports what changed.
func (r *Reporter) Setup(mgr manager.Manager) error {
	unsaid := predicate.NewPredicateFuncs(func(o client.Object) bool {
		w, ok := o.(*v1alpha1.Workspace)
		if !ok {
			return false
		}
		_, due := messageOf(w)
		return due
	})
	err := ctrl.NewControllerManagedBy(mgr).Named("report").
		For(&v1alpha1.Workspace{}, builder.WithPredicates(unsaid)).
		WatchesRawSource(source.Func(r.queue.take)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: workers,
			RateLimiter: spreading{
				workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
			},
		}).
		Complete(r)
	if err != nil {
		return fmt.Errorf("setting up the reports: %w", err)
	}
	return nil
}

// Acquired looks at every Workspace again: while another replica led, this one said nothing.
func (r *Reporter) Acquired(ctx context.Context) {
	var all v1alpha1.WorkspaceList
	if err := r.Cached.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		log.FromContext(ctx).Error(err, "listing Workspaces") // from a cache that has synced
		return
	}
	for i := range all.Items {
		r.queue.add(request(all.Items[i].Name))
	}
}

// take is called by the controller at its start.
func (q *queue) take(_ context.Context, r requests) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.requests = r
	return nil
}

// add does nothing before the controller has started: its start looks at every Workspace by itself.
func (q *queue) add(r reconcile.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.requests != nil {
		q.Add(r)
	}
}

func request(id string) reconcile.Request {
	return reconcile.Request{NamespacedName: client.ObjectKey{Name: id}}
}

// spreading makes what failed at one time be tried again at different times.
type spreading struct {
	workqueue.TypedRateLimiter[reconcile.Request]
}

// When adds up to a half.
func (s spreading) When(r reconcile.Request) time.Duration {
	return jitter(s.TypedRateLimiter.When(r))
}
