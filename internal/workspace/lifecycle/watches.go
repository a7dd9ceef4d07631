package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	toolscache "k8s.io/client-go/tools/cache"
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
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
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

// Setup watches Workspaces, their tiers and everything that they have in the cluster, and reconciles what changed.
func (c *Controller) Setup(ctx context.Context, mgr manager.Manager) error {
	if err := mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.Workspace{}, tierIndex, indexedTier); err != nil {
		return fmt.Errorf("indexing Workspaces by tier: %w", err)
	}
	if err := c.watchAll(ctx, mgr.GetCache()); err != nil {
		return err
	}
	c.watchObjects(mgr.GetClient())
	built, err := c.watches(mgr).WithOptions(controller.Options{
		MaxConcurrentReconciles: workers,
		ReconciliationTimeout:   reconcileTimeout,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
	}).Build(c)
	if err == nil {
		err = c.addRunnables(mgr, built)
	}
	if err != nil {
		return fmt.Errorf("setting up the controller: %w", err)
	}
	return nil
}

func indexedTier(o client.Object) []string { return []string{o.(*v1alpha1.Workspace).Spec.Tier} }

// watches are the events that have workspaces reconciled, except for those of queues, which are watched once the cluster has them.
func (c *Controller) watches(mgr manager.Manager) *builder.Builder {
	cached := mgr.GetClient()
	b := ctrl.NewControllerManagedBy(mgr).Named("workspace").
		For(&v1alpha1.Workspace{}, onUpdate(workspaceChanged)).
		Watches(&v1alpha1.WorkspaceTier{}, c.onTier(cached), onUpdate(specChanged)).
		Watches(&corev1.Namespace{}, onNamespace(), onUpdate(k8s.Changed)).
		WatchesRawSource(source.Func(c.queue.take))
	for _, child := range k8s.Children() {
		b = b.Watches(child, onChild(cached), onUpdate(k8s.Changed))
	}
	for _, object := range k8s.APIServerObjects() {
		b = b.Watches(object, c.onAPIServer(cached), onUpdate(apiServerMoved))
	}
	if c.PullSecrets != nil {
		b = b.Watches(&corev1.Secret{}, onChild(cached), onUpdate(k8s.Changed)).
			WatchesRawSource(source.Kind(c.PullSecrets.Cache(), client.Object(&corev1.Secret{}), c.onPullSecret(cached)))
	}
	return b
}

// addRunnables adds what runs beside the controller.
func (c *Controller) addRunnables(mgr manager.Manager, built controller.Controller) error {
	var all []manager.Runnable
	if c.Queues != nil {
		c.Queues.OnServed = c.onQueuesServed(mgr.GetCache(), built)
		all = append(all, c.Queues)
	}
	all = append(all, manager.RunnableFunc(c.requeueAfterRelist))
	if c.TierStatusInterval > 0 {
		all = append(all, manager.RunnableFunc(c.reportTiers))
	}
	all = append(all, manager.RunnableFunc(c.listProjects))
	for _, runnable := range all {
		if err := mgr.Add(runnable); err != nil {
			return err
		}
	}
	return nil
}

// watchAll starts a watch of every kind before the caches start, so that these have synced when all of them have, and not
// before the controller asks for the last.
func (c *Controller) watchAll(ctx context.Context, informers cache.Informers) error {
	workspaces, err := informers.GetInformer(ctx, &v1alpha1.Workspace{}, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watching each Workspace: %w", err)
	}
	c.countWorkspaces = func() int { return len(workspaces.(toolscache.SharedIndexInformer).GetStore().ListKeys()) }
	kinds := slices.Concat(k8s.Children(), k8s.APIServerObjects())
	for _, kind := range append(kinds, &v1alpha1.WorkspaceTier{}, &corev1.Namespace{}) {
		if _, err := informers.GetInformer(ctx, kind, cache.BlockUntilSynced(false)); err != nil {
			return fmt.Errorf("watching each %T: %w", kind, err)
		}
	}
	return nil
}

// onUpdate drops updates for which changed is false.
func onUpdate(changed func(before, after client.Object) bool) builder.Predicates {
	return builder.WithPredicates(predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return changed(e.ObjectOld, e.ObjectNew)
	}})
}

// specChanged reports whether the spec may have changed, or whether a project is to be adopted. An object that was deleted
// and created again while the watch was down comes as an update, and may be of the same generation.
func specChanged(before, after client.Object) bool {
	const release, adopt = v1alpha1.AnnotationReleasePurge, v1alpha1.AnnotationAdoptProject
	return before.GetGeneration() != after.GetGeneration() || before.GetUID() != after.GetUID() ||
		before.GetAnnotations()[release] != after.GetAnnotations()[release] ||
		before.GetAnnotations()[adopt] != after.GetAnnotations()[adopt]
}

// workspaceChanged is specChanged, or the controller's part of the status changed: another client may have changed it.
func workspaceChanged(before, after client.Object) bool {
	was, is := ownStatus(before.(*v1alpha1.Workspace)), ownStatus(after.(*v1alpha1.Workspace))
	return specChanged(before, after) || !equality.Semantic.DeepEqual(was, is)
}

func apiServerMoved(before, after client.Object) bool {
	return !equality.Semantic.DeepEqual(desired.APIServerOf(before), desired.APIServerOf(after))
}

func onNamespace() handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(_ context.Context, o client.Object) []reconcile.Request {
		return request(k8s.WorkspaceOf(o))
	})
}

func onChild(cached client.Reader) handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) []reconcile.Request {
		return requestOfChild(ctx, cached, o)
	})
}

// requestOfChild finds the workspace by the object's Namespace, never by what its own labels claim. If the Namespace is not cached,
// the object is reconciled when the Namespace's event arrives.
func requestOfChild(ctx context.Context, cached client.Reader, o client.Object) []reconcile.Request {
	var namespace corev1.Namespace
	if err := cached.Get(ctx, client.ObjectKey{Name: o.GetNamespace()}, &namespace); err != nil {
		return nil
	}
	return request(k8s.WorkspaceOf(&namespace))
}

// onTier reconciles all workspaces on a changed tier.
func (c *Controller) onTier(cached client.Reader) handler.EventHandler {
	return onEveryEvent(func(ctx context.Context, tier client.Object) {
		c.tiers.signal()
		c.queue.fanOut(requestsOnTier(ctx, cached, tier.GetName())...)
	})
}

// onPullSecret reconciles all workspaces on the tiers that name a changed pull secret.
func (c *Controller) onPullSecret(cached client.Reader) handler.EventHandler {
	return onEveryEvent(func(ctx context.Context, secret client.Object) {
		c.tiers.signal()
		c.fanOutTiers(ctx, cached, func(tier *v1alpha1.WorkspaceTier) bool {
			return slices.Contains(tier.Spec.Workload.ImagePullSecrets, secret.GetName())
		})
	})
}

// onAPIServer reconciles all workspaces on the tiers that open the Kubernetes API.
func (c *Controller) onAPIServer(cached client.Reader) handler.EventHandler {
	return onEveryEvent(func(ctx context.Context, _ client.Object) {
		c.fanOutTiers(ctx, cached, func(tier *v1alpha1.WorkspaceTier) bool { return tier.Spec.Workload.Role != "" })
	})
}

// fanOutTiers queues the workspaces on the tiers that match.
func (c *Controller) fanOutTiers(ctx context.Context, cached client.Reader, matches func(*v1alpha1.WorkspaceTier) bool) {
	var tiers v1alpha1.WorkspaceTierList
	if err := cached.List(ctx, &tiers, client.UnsafeDisableDeepCopy); err != nil {
		log.FromContext(ctx).Error(err, "listing tiers")
	}
	for i := range tiers.Items {
		if matches(&tiers.Items[i]) {
			c.queue.fanOut(requestsOnTier(ctx, cached, tiers.Items[i].Name)...)
		}
	}
}

// onEveryEvent calls do with the newest version of an object.
func onEveryEvent(do func(context.Context, client.Object)) handler.Funcs {
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, _ requests) { do(ctx, e.Object) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, _ requests) { do(ctx, e.ObjectNew) },
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, _ requests) { do(ctx, e.Object) },
	}
}

// requestsOnTier are for the workspaces on the tier.
func requestsOnTier(ctx context.Context, cached client.Reader, tier string) (found []reconcile.Request) {
	var all v1alpha1.WorkspaceList
	if err := cached.List(ctx, &all, client.MatchingFields{tierIndex: tier}, client.UnsafeDisableDeepCopy); err != nil {
		log.FromContext(ctx).Error(err, "listing the Workspaces of a tier", "tier", tier)
		return nil
	}
	for i := range all.Items {
		found = append(found, request(all.Items[i].Name)...)
	}
	return found
}

// requeueAfterRelist queues, until ctx ends, every Workspace at low priority after each relist of a kind: changes made
// while a watch is down produce no event.
func (c *Controller) requeueAfterRelist(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.Relisted:
		}
		c.requeueAll(ctx)
	}
}

// requeueAll queues every Workspace at low priority.
func (c *Controller) requeueAll(ctx context.Context) {
	var all v1alpha1.WorkspaceList
	if err := c.client.List(ctx, &all, client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency); err != nil {
		log.FromContext(ctx).Error(err, "listing Workspaces to reconcile all")
		return
	}
	var every []reconcile.Request
	for i := range all.Items {
		every = append(every, request(all.Items[i].Name)...)
	}
	c.queue.fanOut(every...)
}
