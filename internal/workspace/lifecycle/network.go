package lifecycle

import (
	"context"
	"errors"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

// network isolates each namespace. Without a tier that the workspace may be on, the namespaces are isolated as on a tier
// that opens nothing, and the condition says so: what a tier opens is never kept beyond it, nor lost without a word.
func (c *Controller) network(ctx context.Context, t *target) outcome {
	const condition = v1alpha1.ConditionNetworkIsolated
	errs := concurrently(t.opening(t.ready), func(p *k8s.Plan) error { return c.isolate(ctx, p) })
	o := applied(condition, append(errs, c.keepIsolated(ctx, t)...)).or(t.missing(condition))
	if !o.done || t.tierOutcome(condition).done {
		return o
	}
	message := t.lostTier() + ": the namespaces are isolated, and what the tier opens is closed"
	return done(condition, t.tierReason, message)
}

// opening are the plans, without a tier while that of the spec does not hold: unlike limits, what a tier opens is not kept.
func (t *target) opening(plans []*k8s.Plan) []*k8s.Plan {
	if t.tierReason == "" {
		return plans
	}
	closed := make([]*k8s.Plan, len(plans))
	for i, plan := range plans {
		own := *plan
		own.Tier, closed[i] = nil, &own
	}
	return closed
}

// isolate applies the namespace's NetworkPolicy, and only then removes those of another version. Policies add up, so what
// an old one opens stays open until it is gone.
func (c *Controller) isolate(ctx context.Context, plan *k8s.Plan) error {
	if err := c.Applier.Apply(ctx, plan.NetworkPolicy()); err != nil {
		return err
	}
	obsolete, err := c.Applier.ObsoletePolicies(ctx, plan)
	if err != nil {
		return err
	}
	return errors.Join(c.removeAll(ctx, obsolete)...)
}

// keepIsolated keeps the NetworkPolicies that still exist in namespaces that are being deleted: pods may still run there.
func (c *Controller) keepIsolated(ctx context.Context, t *target) []error {
	var all []client.Object
	for _, plan := range t.opening(t.terminating) {
		all = append(all, plan.NetworkPolicy())
	}
	return c.applyTerminating(ctx, all)
}

// findAPIServers reads into the plans where pods reach the Kubernetes API, if the tier opens that.
func (c *Controller) findAPIServers(ctx context.Context, t *target) error {
	if t.tier == nil || t.tier.Spec.Workload.Role == "" {
		return nil
	}
	found, err := k8s.APIServers(ctx, c.client)
	if err != nil {
		return err
	}
	for _, plan := range t.plans {
		plan.APIServers = found
	}
	return nil
}
