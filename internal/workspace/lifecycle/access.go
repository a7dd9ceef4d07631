package lifecycle

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// removal removes an object that must not exist.
type removal func(context.Context, client.Object) error

// access makes the workload's ServiceAccount and the RoleBindings in the namespaces of plans, and removes the
// RoleBindings of roles that nobody has.
func (c *Controller) access(ctx context.Context, plans []*k8s.Plan, remove removal) outcome {
	var wanted, unwanted []client.Object
	for _, plan := range plans {
		retired, err := c.Applier.RetiredBindings(ctx, plan)
		if err != nil {
			return failed(v1alpha1.ConditionAccessGranted, err)
		}
		bindings, unused := plan.AccessObjects()
		wanted, unwanted = append(wanted, bindings...), append(unwanted, retired...)
		if plan.Tier != nil { // without it, what is there stays
			wanted = append(wanted, plan.WorkloadIdentity())
		}
		unwanted = append(unwanted, unused...)
	}
	removed := concurrently(unwanted, func(o client.Object) error { return remove(ctx, o) })
	return applied(v1alpha1.ConditionAccessGranted, append(removed, c.apply(ctx, wanted)...))
}

// revokeAccess makes the access in all namespaces that exist what the spec says. It comes before every other step and waits
// for nothing: not for a tier that fits, a spec that is valid, Flyte, or the end of a namespace.
func (c *Controller) revokeAccess(ctx context.Context, t *target) outcome {
	if !knowsMembers(t.workspace) {
		return outcome{done: true}
	}
	existing := c.reduce(ctx, t)
	return existing.or(c.revokeTerminating(ctx, t))
}

// knowsMembers reports whether the spec says who may have access: not while a workspace is to be active and its content has
// not arrived.
func knowsMembers(w *v1alpha1.Workspace) bool {
	return workspace.HasContent(w) || w.Spec.State != v1alpha1.StateActive
}

// revokeTerminating makes the RoleBindings that still exist in namespaces that are being deleted what they should be: a
// RoleBinding that somebody's finalizer keeps grants until it is gone.
func (c *Controller) revokeTerminating(ctx context.Context, t *target) outcome {
	var wanted, unwanted []client.Object
	for _, plan := range t.terminating {
		bindings, unused := plan.AccessObjects()
		wanted, unwanted = append(wanted, bindings...), append(unwanted, unused...)
	}
	errs := concurrently(unwanted, func(o client.Object) error { return notHeld(c.Applier.RemoveUnseen(ctx, o)) })
	return applied(v1alpha1.ConditionAccessGranted, append(errs, c.applyTerminating(ctx, wanted)...))
}

// reduce is access in namespaces that were there before. A wish that is new is not left to the cache, which does not
// show a RoleBinding whose label somebody took off.
func (c *Controller) reduce(ctx context.Context, t *target) outcome {
	known := meta.FindStatusCondition(t.workspace.Status.Conditions, v1alpha1.ConditionAccessGranted)
	if isCurrent(known, t.workspace) {
		return c.access(ctx, t.ready, c.Applier.Remove)
	}
	return c.access(ctx, t.ready, c.Applier.RemoveUnseen)
}
