package lifecycle

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// network makes the NetworkPolicies of each namespace, and removes the tier's own where the tier opens nothing. What a
// missing tier opened stays as it is.
func (c *Controller) network(ctx context.Context, t *target) outcome {
	var all, unwanted []client.Object
	for _, plan := range t.ready {
		all = append(all, plan.NetworkObjects()...)
		if plan.Tier == nil {
			continue
		}
		if policy, wanted := plan.TierPolicy(); wanted {
			all = append(all, policy)
		} else {
			unwanted = append(unwanted, policy)
		}
	}
	removed := c.removeAll(ctx, unwanted)
	return applied(v1alpha1.ConditionNetworkIsolated, append(removed, c.apply(ctx, all)...)).or(t.missing(v1alpha1.ConditionNetworkIsolated))
}
