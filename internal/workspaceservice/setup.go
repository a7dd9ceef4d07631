package workspaceservice

import (
	"context"
	"fmt"
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

// queue contains each workspace once, however often it has changed.
type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// Setup watches Workspaces, and reports those whose outcome has changed.
func (r *Reporter) Setup(mgr manager.Manager) error {
	err := ctrl.NewControllerManagedBy(mgr).Named("report").
		For(&v1alpha1.Workspace{}, builder.WithPredicates(predicate.NewPredicateFuncs(isDue))).
		WatchesRawSource(source.Func(func(_ context.Context, q queue) error {
			r.queue.Store(&q)
			return nil
		})).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: workers,
			RateLimiter: jitteredLimiter{
				workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
			},
		}).
		Complete(r)
	if err != nil {
		return fmt.Errorf("setting up the reports: %w", err)
	}
	return nil
}

// isDue reports whether the outcome of a Workspace is to be reported.
func isDue(o client.Object) bool {
	w, ok := o.(*v1alpha1.Workspace)
	if !ok {
		return false
	}
	_, due := newMessage(w)
	return due
}

// Acquired enqueues every Workspace: this replica reported nothing while another one led.
func (r *Reporter) Acquired(ctx context.Context) {
	var all v1alpha1.WorkspaceList
	if err := r.Cached.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		log.FromContext(ctx).Error(err, "listing Workspaces") // from a cache that has synced
		return
	}
	for i := range all.Items {
		r.enqueue(all.Items[i].Name)
	}
}

// enqueue does nothing before the controller has started, which enqueues every Workspace by itself.
func (r *Reporter) enqueue(id string) {
	if q := r.queue.Load(); q != nil {
		(*q).Add(request(id))
	}
}

func request(id string) reconcile.Request {
	return reconcile.Request{NamespacedName: client.ObjectKey{Name: id}}
}

// jitteredLimiter retries what failed at one time at different times.
type jitteredLimiter struct {
	workqueue.TypedRateLimiter[reconcile.Request]
}

// When adds up to a half.
func (l jitteredLimiter) When(r reconcile.Request) time.Duration {
	return jitter(l.TypedRateLimiter.When(r))
}
