package lifecycle

import (
	"context"
	"fmt"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

// quota makes the ResourceQuota and the LimitRange of each namespace. A maximum that was lowered below what the
// workspace asks for holds, and blocks nothing.
func (c *Controller) quota(ctx context.Context, t *target) outcome {
	const condition = v1alpha1.ConditionQuotaApplied
	if t.tier == nil {
		errs := concurrently(t.ready, func(p *k8s.Plan) error { return c.keepQuota(ctx, p) })
		return applied(condition, errs).or(t.tierOutcome(condition))
	}
	var all []client.Object
	var lowered []string
	for _, plan := range t.ready {
		objects, clamped := plan.QuotaObjects()
		all = append(all, objects...)
		for _, key := range clamped {
			lowered = append(lowered, strings.TrimSuffix(key+" in "+plan.Namespace.Domain, " in "))
		}
	}
	o := t.tierOutcome(condition).or(t.missing(condition))
	if o.done && len(lowered) > 0 {
		message := fmt.Sprintf("the maximum of the tier %s holds for: %s", t.tier.Name, strings.Join(lowered, ", "))
		o = done(condition, v1alpha1.ReasonQuotaClamped, bounded(message))
	} else if o.done {
		o = t.unknownDomains(condition)
	}
	return applied(condition, c.apply(ctx, all)).or(o)
}

// keepQuota keeps the ResourceQuota of a namespace without a tier. Its LimitRange stays as it is.
func (c *Controller) keepQuota(ctx context.Context, p *k8s.Plan) error {
	want, err := c.Applier.TierlessQuota(ctx, p)
	if err != nil {
		return err
	}
	return c.Applier.Apply(ctx, want)
}
