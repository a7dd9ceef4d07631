package lifecycle

import (
	"context"
	"errors"
	"slices"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

// namespaces makes the namespaces, and notes in the target which of them are there.
func (c *Controller) namespaces(ctx context.Context, t *target) outcome {
	const condition = v1alpha1.ConditionNamespaceReady
	if t.tier == nil {
		t.note()
		return t.noTier(condition)
	}
	errs := concurrently(t.plans, func(p *k8s.Plan) error { return c.Applier.Apply(ctx, p.NamespaceObject()) })
	for i, err := range errs {
		switch {
		case err == nil:
			t.add(t.plans[i])
		case errors.Is(err, k8s.ErrForeign): // since the cache was looked at
			t.drop(t.plans[i])
		}
	}
	t.note()
	return applied(condition, errs).or(t.unfilled(condition))
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

// note writes the namespaces that are there into the status, in the order of the domains.
func (t *target) note() {
	names := make([]string, 0, len(t.ready))
	for _, plan := range t.plans {
		if slices.Contains(t.ready, plan) {
			names = append(names, plan.Namespace.Name)
		}
	}
	t.workspace.Status.Namespaces = names
}
