package lifecycle

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

// lookAtUnheard has, until ctx ends, those workspaces looked at that were written to and of which no watch has told since: what
// somebody undid before a broken watch was back, no watch tells. They take turns behind what changed itself.
func (c *Controller) lookAtUnheard(ctx context.Context) error {
	tick := time.NewTicker(k8s.EchoPatience / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		var all []reconcile.Request
		for id := range c.Applier.Unheard() {
			all = append(all, request(id)...)
		}
		if len(all) > 0 {
			log.FromContext(ctx).Info("no watch has told of what was written; looking at it", "workspaces", len(all))
		}
		if q := c.queue.started(); q != nil {
			c.fanOut.add(q, all)
		}
	}
}
