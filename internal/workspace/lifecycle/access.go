package lifecycle

import (
	"cmp"
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

// revokeAccess makes the access in all namespaces that exist what the spec says.
func (c *Controller) revokeAccess(ctx context.Context, t *target) outcome {
	t.existing = slices.Clone(t.ready)
	if !knowsMembers(t.workspace) {
		return outcome{done: true}
	}
	from := client.Reader(c.client)
	known := meta.FindStatusCondition(t.workspace.Status.Conditions, v1alpha1.ConditionAccessGranted)
	if !isCurrent(known, t.workspace) {
		from = c.Applier.Live // of a new spec: the cache does not show a RoleBinding that has lost its label
	}
	errs := inEach(t.existing, func(p *desired.Plan) error { return c.setAccess(ctx, from, p) })
	return applied(v1alpha1.ConditionAccessGranted, append(errs, c.revokeTerminating(ctx, t)...)...)
}

// access grants access in the namespaces that are new. In the others revokeAccess has done so.
func (c *Controller) access(ctx context.Context, t *target) outcome {
	errs := inEach(t.ready, func(p *desired.Plan) error {
		if slices.Contains(t.existing, p) {
			return nil
		}
		return c.setAccess(ctx, c.client, p)
	})
	return t.revoked.or(applied(v1alpha1.ConditionAccessGranted, errs...)).or(t.granted())
}

// setAccess takes away first, and grants even if that fails.
func (c *Controller) setAccess(ctx context.Context, from client.Reader, p *desired.Plan) error {
	part := p.Access()
	pruned := c.prune(ctx, from, p, part)
	return cmp.Or(pruned, c.apply(ctx, part.Objects))
}

// revokeTerminating makes the RoleBindings that still exist in namespaces that are being deleted what they should be: one
// whose deletion a finalizer blocks grants access until it is gone.
func (c *Controller) revokeTerminating(ctx context.Context, t *target) []error {
	return inEach(t.terminating, func(p *desired.Plan) error {
		part := p.Access()
		pruned := ignoreFinalizing(c.prune(ctx, c.Applier.Live, p, part))
		return cmp.Or(pruned, c.applyTerminating(ctx, part.Objects))
	})
}

// knowsMembers reports whether the spec says who may have access: not while a workspace is to be active and its content has
// not arrived.
func knowsMembers(w *v1alpha1.Workspace) bool {
	return workspace.HasContent(w) || w.Spec.State != v1alpha1.StateActive
}

// granted is the outcome of access that is set wherever a namespace is.
func (t *target) granted() outcome {
	o := t.missing(v1alpha1.ConditionAccessGranted)
	if o.done && t.workspace.Spec.State != v1alpha1.StateActive {
		return done(o.condition, v1alpha1.ReasonAccessReduced, "members have read-only access")
	}
	return o
}
