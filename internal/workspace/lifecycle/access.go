package lifecycle

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

// access makes the workload's ServiceAccount and the RoleBindings in the namespaces of plans, and removes the
// RoleBindings of roles that nobody has.
func (c *Controller) access(ctx context.Context, plans []*k8s.Plan) outcome {
	const condition = v1alpha1.ConditionAccessGranted
	var wanted, unwanted []client.Object
	for _, plan := range plans {
		bindings, unused := plan.AccessObjects()
		wanted = append(wanted, bindings...)
		wanted = append(wanted, plan.WorkloadIdentity())
		unwanted = append(unwanted, unused...)
	}
	removed := concurrently(unwanted, func(o client.Object) error { return c.Applier.Remove(ctx, o) })
	return applied(condition, append(removed, c.apply(ctx, wanted)...))
}
