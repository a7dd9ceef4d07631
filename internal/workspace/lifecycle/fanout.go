package lifecycle

import (
	"context"
	"slices"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// maxFanOut is how many workspaces are looked at at once because of what concerns very many of them: a quarter of the
// workers, so that workers and API server stay free for what changed itself.
const maxFanOut = workers / 4

// addBehind queues workspaces behind all that changed themselves.
func addBehind(q requests, behind ...reconcile.Request) {
	low := priorityqueue.AddOpts{Priority: new(handler.LowPriority)}
	q.(priorityqueue.PriorityQueue[reconcile.Request]).AddWithOpts(low, behind...)
}

// fanOut hands workspaces to the queue, maxFanOut at a time. The zero value is ready.
type fanOut struct {
	mu       sync.Mutex
	waiting  []reconcile.Request // each once
	underWay map[reconcile.Request]bool
}

// add lets all wait for their turn, those that wait already but once.
func (f *fanOut) add(q requests, all []reconcile.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := make(map[reconcile.Request]bool, len(f.waiting))
	for _, r := range f.waiting {
		known[r] = true
	}
	for _, r := range all {
		if !known[r] {
			f.waiting = append(f.waiting, r)
		}
	}
	f.feed(q)
}

// ended is called when any Reconcile has ended.
func (f *fanOut) ended(q requests, r reconcile.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.underWay[r] {
		delete(f.underWay, r)
		f.feed(q)
	}
}

func (f *fanOut) feed(q requests) {
	if f.underWay == nil {
		f.underWay = map[reconcile.Request]bool{}
	}
	for len(f.waiting) > 0 && len(f.underWay) < maxFanOut {
		next := f.waiting[0]
		f.waiting = f.waiting[1:]
		f.underWay[next] = true
		addBehind(q, next)
	}
}

// onTier lets a changed tier reach all its workspaces.
func (c *Controller) onTier(cached client.Reader) handler.EventHandler {
	return whatever(func(ctx context.Context, tier client.Object, q requests) {
		c.fanOut.add(q, workspacesOn(ctx, cached, tier.GetName()))
	})
}

// onPullSecret lets a changed pull secret reach all workspaces of the tiers that name it.
func (c *Controller) onPullSecret(cached client.Reader) handler.EventHandler {
	return whatever(func(ctx context.Context, secret client.Object, q requests) {
		c.enqueueTiers(ctx, cached, q, func(tier *v1alpha1.WorkspaceTier) bool {
			return slices.Contains(tier.Spec.Workload.ImagePullSecrets, secret.GetName())
		})
	})
}

// onAPIServer lets changed addresses of the Kubernetes API reach all workspaces of the tiers that open them.
func (c *Controller) onAPIServer(cached client.Reader) handler.EventHandler {
	return whatever(func(ctx context.Context, _ client.Object, q requests) {
		c.enqueueTiers(ctx, cached, q, func(tier *v1alpha1.WorkspaceTier) bool { return tier.Spec.Workload.Role != "" })
	})
}

// enqueueTiers queues, at low priority, the workspaces of the tiers that match.
func (c *Controller) enqueueTiers(ctx context.Context, cached client.Reader, q requests, matches func(*v1alpha1.WorkspaceTier) bool) {
	var tiers v1alpha1.WorkspaceTierList
	if err := cached.List(ctx, &tiers, client.UnsafeDisableDeepCopy); err != nil {
		log.FromContext(ctx).Error(err, "listing tiers")
	}
	for i := range tiers.Items {
		if matches(&tiers.Items[i]) {
			c.fanOut.add(q, workspacesOn(ctx, cached, tiers.Items[i].Name))
		}
	}
}

// whatever calls do with the newest form of an object, whatever happened to it.
func whatever(do func(context.Context, client.Object, requests)) handler.Funcs {
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q requests) { do(ctx, e.Object, q) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q requests) { do(ctx, e.ObjectNew, q) },
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q requests) { do(ctx, e.Object, q) },
	}
}

// workspacesOn are the workspaces on the tier.
func workspacesOn(ctx context.Context, cached client.Reader, tier string) (found []reconcile.Request) {
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
