package lifecycle

import (
	"context"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

// network isolates each namespace. Without a tier that the workspace may be on, the namespaces are isolated as on a tier
// that opens nothing, and the condition says so.
func (c *Controller) network(ctx context.Context, t *target) outcome {
	const condition = v1alpha1.ConditionNetworkIsolated
	errs := inEach(t.ready, func(p *desired.Plan) error { return c.sync(ctx, p, t.networkOf(p)) })
	// Pods may still run in a namespace that is being deleted.
	terminating := inEach(t.terminating, func(p *desired.Plan) error { return c.applyTerminating(ctx, t.networkOf(p).Objects) })
	o := applied(condition, append(errs, terminating...)...).or(t.missing(condition))
	if !o.done || t.tierOutcome(condition).done {
		return o
	}
	return done(condition, t.tierReason, t.lostTier()+": the namespaces are isolated, and what the tier opens is closed")
}

// networkOf is the isolation of a namespace. Unlike limits, a tier's network rules are removed when the tier no longer applies.
func (t *target) networkOf(p *desired.Plan) desired.Part {
	if t.tierReason == "" {
		return p.Network()
	}
	closed := *p
	closed.Tier = nil
	return closed.Network()
}
