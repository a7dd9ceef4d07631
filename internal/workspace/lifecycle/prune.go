package lifecycle

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// prune removes what another version of the service made and this one has no use for. It comes when everything else is
// done: what limits a namespace never goes before what takes its place. RoleBindings among it go with access, and
// NetworkPolicies with isolation.
func (c *Controller) prune(ctx context.Context, t *target) outcome {
	var unwanted []client.Object
	for _, plan := range t.ready {
		retired, err := c.Applier.Retired(ctx, plan)
		if err != nil {
			return failed(v1alpha1.ConditionNamespaceReady, err)
		}
		unwanted = append(unwanted, retired...)
	}
	return applied(v1alpha1.ConditionNamespaceReady, c.removeAll(ctx, unwanted))
}
