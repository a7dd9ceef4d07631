package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

const (
	workers = 16
	// reconcileTimeout ends a Reconcile that hangs, so that its worker is free again.
	reconcileTimeout = time.Minute
	firstRetry       = 50 * time.Millisecond
	lastRetry        = 30 * time.Second

	// tierIndex finds the workspaces of a tier.
	tierIndex = "spec.tier"
)

type requests = workqueue.TypedRateLimitingInterface[reconcile.Request]

// queue is the controller's queue, once that has started.
type queue struct {
	mu sync.Mutex
	requests
}

// Setup watches Workspaces, their tiers and everything that they have in the cluster, and reconciles what changed.
func (c *Controller) Setup(ctx context.Context, mgr manager.Manager) error {
	index := func(o client.Object) []string { return []string{o.(*v1alpha1.Workspace).Spec.Tier} }
	if err := mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.Workspace{}, tierIndex, index); err != nil {
		return fmt.Errorf("indexing Workspaces by tier: %w", err)
	}
	if err := watchAll(ctx, mgr.GetCache()); err != nil {
		return err
	}
	cached := mgr.GetClient()
	changed, wished := updates(k8s.Changed), updates(wishChanged)
	b := ctrl.NewControllerManagedBy(mgr).Named("workspace").
		For(&v1alpha1.Workspace{}, updates(workspaceChanged)).
		Watches(&v1alpha1.WorkspaceTier{}, c.onTier(cached), wished).
		Watches(&corev1.Namespace{}, onNamespace(), changed).
		WatchesRawSource(source.Func(c.queue.take)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: workers,
			ReconciliationTimeout:   reconcileTimeout,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
		})
	for _, child := range k8s.Children() {
		b = b.Watches(child, onChild(cached), changed)
	}
	for _, object := range k8s.APIServerObjects() {
		b = b.Watches(object, c.onAPIServer(cached), updates(k8s.APIServerMoved))
	}
	if c.PullSecrets != nil {
		b = b.Watches(&corev1.Secret{}, onChild(cached), changed).
			WatchesRawSource(source.Kind(c.PullSecrets.Cache(), client.Object(&corev1.Secret{}), c.onPullSecret(cached)))
	}
	if err := b.Complete(c); err != nil {
		return fmt.Errorf("setting up the controller: %w", err)
	}
	if err := mgr.Add(manager.RunnableFunc(c.requeueAfterRelist)); err != nil {
		return fmt.Errorf("setting up the controller: %w", err)
	}
	return mgr.Add(manager.RunnableFunc(c.listProjects))
}

// watchAll begins to watch every kind before the caches start, so that these have synced when all of them have, and not
// before the controller asks for the last.
func watchAll(ctx context.Context, informers cache.Informers) error {
	kinds := slices.Concat(k8s.Children(), k8s.APIServerObjects())
	kinds = append(kinds, &v1alpha1.Workspace{}, &v1alpha1.WorkspaceTier{}, &corev1.Namespace{})
	for _, kind := range kinds {
		if _, err := informers.GetInformer(ctx, kind, cache.BlockUntilSynced(false)); err != nil {
			return fmt.Errorf("watching each %T: %w", kind, err)
		}
	}
	return nil
}

// updates lets through, of updates, those that matter.
func updates(matter func(before, after client.Object) bool) builder.Predicates {
	return builder.WithPredicates(predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return matter(e.ObjectOld, e.ObjectNew)
	}})
}

// wishChanged tells whether a spec may have changed, or whether a project is to be adopted. An object that was deleted
// and made again while the watch was broken comes as an update, and may be of the same generation.
func wishChanged(before, after client.Object) bool {
	const release, adopt = v1alpha1.AnnotationReleasePurge, v1alpha1.AnnotationAdoptProject
	return before.GetGeneration() != after.GetGeneration() || before.GetUID() != after.GetUID() ||
		before.GetAnnotations()[release] != after.GetAnnotations()[release] ||
		before.GetAnnotations()[adopt] != after.GetAnnotations()[adopt]
}

// workspaceChanged is wishChanged, or the controller's part of the status changed: another client may have changed it.
func workspaceChanged(before, after client.Object) bool {
	was, is := ownStatus(before.(*v1alpha1.Workspace)), ownStatus(after.(*v1alpha1.Workspace))
	return wishChanged(before, after) || !equality.Semantic.DeepEqual(was, is)
}

// requeueAfterRelist queues, until ctx ends, every Workspace at low priority each time a kind was listed anew: changes made
// while a watch is down produce no event.
func (c *Controller) requeueAfterRelist(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.Relisted:
		}
		var all v1alpha1.WorkspaceList
		if err := c.client.List(ctx, &all, client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency); err != nil {
			log.FromContext(ctx).Error(err, "listing Workspaces after a watch broke")
			continue
		}
		var requests []reconcile.Request
		for i := range all.Items {
			requests = append(requests, request(all.Items[i].Name)...)
		}
		if q := c.queue.started(); q != nil {
			c.fanOut.add(q, requests)
		}
	}
}

// Acquired looks at every Workspace again, and at namespaces without one, and lists Flyte's projects: while another replica led, this
// one did nothing, and while none did, Flyte may have become another.
func (c *Controller) Acquired(ctx context.Context) {
	var all v1alpha1.WorkspaceList
	var namespaces corev1.NamespaceList
	err := wait.PollUntilContextCancel(ctx, firstRetry, true, func(ctx context.Context) (bool, error) {
		err := c.client.List(ctx, &all, client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency)
		if err == nil {
			err = c.client.List(ctx, &namespaces, client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency)
		}
		if err != nil {
			log.FromContext(ctx).Error(err, "listing Workspaces and Namespaces")
		}
		return err == nil, nil
	})
	if err != nil {
		return // the lease was lost again
	}
	for i := range all.Items {
		c.queue.add(&all.Items[i])
	}
	c.ListProjectsSoon()
	for id := range withoutWorkspace(namespaces.Items, all.Items) {
		c.queue.next(request(id)[0])
	}
}

// withoutWorkspace are the ids of namespaces whose Workspace is gone.
func withoutWorkspace(namespaces []corev1.Namespace, workspaces []v1alpha1.Workspace) sets.Set[string] {
	ids := sets.New[string]()
	for i := range namespaces {
		ids.Insert(k8s.WorkspaceOf(&namespaces[i]))
	}
	for i := range workspaces {
		ids.Delete(workspaces[i].Name)
	}
	return ids.Delete("")
}

// take is called by the controller at its start.
func (q *queue) take(_ context.Context, r requests) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.requests = r
	return nil
}

// add does nothing before the controller has started: its start looks at every Workspace by itself. A wish that nobody
// has looked at goes first.
func (q *queue) add(w *v1alpha1.Workspace) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.requests == nil:
	case w.Status.ObservedGeneration != w.Generation:
		q.Add(request(w.Name)[0])
	default:
		addBehind(q.requests, request(w.Name)...)
	}
}

// next queues one workspace that has something of its own to be looked at.
func (q *queue) next(r reconcile.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.requests != nil {
		q.Add(r)
	}
}

// ended tells the fan-out that a Reconcile has ended.
func (c *Controller) ended(r reconcile.Request) {
	if q := c.queue.started(); q != nil {
		c.fanOut.ended(q, r)
	}
}

// started is nil before the controller has started.
func (q *queue) started() requests {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.requests
}

// waiting counts the requests that a worker could take up now.
func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.requests == nil {
		return 0
	}
	return q.Len()
}

func request(id string) []reconcile.Request {
	if id == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: client.ObjectKey{Name: id}}}
}

func onNamespace() handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(_ context.Context, o client.Object) []reconcile.Request {
		return request(k8s.WorkspaceOf(o))
	})
}

func onChild(cached client.Reader) handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) []reconcile.Request {
		return ofChild(ctx, cached, o)
	})
}

// ofChild finds the workspace by the object's Namespace, never by what its own labels claim. If the Namespace is not cached, the
// object is reconciled when the Namespace's event arrives.
func ofChild(ctx context.Context, cached client.Reader, o client.Object) []reconcile.Request {
	var namespace corev1.Namespace
	if err := cached.Get(ctx, client.ObjectKey{Name: o.GetNamespace()}, &namespace); err != nil {
		return nil
	}
	return request(k8s.WorkspaceOf(&namespace))
}
