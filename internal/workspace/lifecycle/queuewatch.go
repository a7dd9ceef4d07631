package lifecycle

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

// onQueuesServed returns what is done when the cluster begins to serve Kueue's API: the first time, its objects are watched, and each
// time the workspaces on tiers with a queue are reconciled.
func (c *Controller) onQueuesServed(cached cache.Cache, watching controller.Controller) func(context.Context) error {
	watched := false
	return func(ctx context.Context) error {
		if !watched {
			if err := watchQueues(cached, watching); err != nil {
				return err
			}
			watched = true
		}
		c.tiers.signal()
		c.fanOutTiers(ctx, cached, func(tier *v1alpha1.WorkspaceTier) bool { return tier.Spec.Queue != nil })
		return nil
	}
}

func watchQueues(cached cache.Cache, watching controller.Controller) error {
	for kind, handle := range map[client.Object]handler.EventHandler{
		&kueue.LocalQueue{}: onChild(cached), &kueue.ClusterQueue{}: onClusterQueue(),
	} {
		if err := watching.Watch(source.Kind(cached, kind, handle, predicate.Funcs{
			UpdateFunc: func(e event.UpdateEvent) bool { return k8s.QueueChanged(e.ObjectOld, e.ObjectNew) },
		})); err != nil {
			return fmt.Errorf("watching each %s: %w", k8s.KindName(kind), err)
		}
	}
	return nil
}

// onClusterQueue finds the workspace by the name of its ClusterQueue, never by what labels claim.
func onClusterQueue() handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(_ context.Context, o client.Object) []reconcile.Request {
		return request(desired.WorkspaceOfClusterQueue(o.GetName()))
	})
}
