package lifecycle

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// network makes the NetworkPolicies of each namespace.
func (c *Controller) network(ctx context.Context, t *target) outcome {
	var all []client.Object
	for _, plan := range t.ready {
		all = append(all, plan.NetworkObjects()...)
	}
	return applied(v1alpha1.ConditionNetworkIsolated, c.apply(ctx, all)).or(t.missing(v1alpha1.ConditionNetworkIsolated))
}
