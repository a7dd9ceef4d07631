package lifecycle

import (
	"context"
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// namespaces makes the namespaces, and notes in the target which of them are there. Without the tier of the spec, it makes
// none, and keeps those that are there.
func (c *Controller) namespaces(ctx context.Context, t *target) outcome {
	const condition = v1alpha1.ConditionNamespaceReady
	plans, apply := t.plans, c.Applier.Apply
	if t.tierReason != "" || t.existingOnly {
		plans, apply = t.ready, c.Applier.ApplyExisting
	}
	errs := concurrently(plans, func(p *k8s.Plan) error {
		want, err := c.namespaceOf(ctx, p)
		if want == nil {
			return err
		}
		return apply(ctx, want)
	})
	for i, err := range errs {
		switch {
		case err == nil:
			t.add(plans[i])
		case errors.Is(err, k8s.ErrForeign): // since the cache was looked at
			t.drop(plans[i])
		}
	}
	t.note()
	return applied(condition, errs).or(t.tierOutcome(condition)).or(t.unfilled(condition))
}

// namespaceOf is the Namespace as it should be, or nil where there is none to keep without a tier.
func (c *Controller) namespaceOf(ctx context.Context, p *k8s.Plan) (*corev1.Namespace, error) {
	if p.Tier == nil {
		return c.Applier.TierlessNamespace(ctx, p)
	}
	return p.NamespaceObject(), nil
}

// add appends the plan to the ready ones, unless it is there already.
func (t *target) add(plan *k8s.Plan) {
	if !slices.Contains(t.ready, plan) {
		t.ready = append(t.ready, plan)
	}
}

// drop takes a plan out of the ready ones: nothing may be written there any more.
func (t *target) drop(plan *k8s.Plan) {
	t.ready = slices.DeleteFunc(slices.Clone(t.ready), func(p *k8s.Plan) bool { return p == plan })
}

// note writes the namespaces that are there into the status, in the order of the domains, and the tier that they have.
func (t *target) note() {
	if !workspace.HasContent(t.workspace) {
		return // a status with namespaces says that the content has arrived
	}
	names := make([]string, 0, len(t.ready))
	for _, plan := range t.plans {
		if slices.Contains(t.ready, plan) {
			names = append(names, plan.Namespace.Name)
		}
	}
	t.workspace.Status.Namespaces = names
	if len(names) > 0 && t.tierReason == "" {
		t.workspace.Status.Tier = t.workspace.Spec.Tier
	}
}
