package lifecycle

import (
	"context"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

// config makes the ConfigMap from which pods learn where they are.
func (c *Controller) config(ctx context.Context, t *target) outcome {
	return applied(v1alpha1.ConditionNamespaceReady, concurrently(t.ready, func(p *k8s.Plan) error {
		return c.Applier.Apply(ctx, p.ConfigObject())
	}))
}
