package lifecycle

import (
	"context"
	"fmt"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// quota makes the ResourceQuota and the LimitRange of each namespace. A maximum that was lowered below what the
// workspace asks for holds, and blocks nothing.
func (c *Controller) quota(ctx context.Context, t *target) outcome {
	const condition = v1alpha1.ConditionQuotaApplied
	if t.tier == nil {
		return t.noTier(condition)
	}
	var all []client.Object
	o := t.missing(condition)
	for _, plan := range t.ready {
		objects, clamped := plan.QuotaObjects()
		all = append(all, objects...)
		if len(clamped) > 0 && o.done {
			message := fmt.Sprintf("the maximum of the tier %s holds for: %s", t.tier.Name, strings.Join(clamped, ", "))
			o = done(condition, v1alpha1.ReasonQuotaClamped, message)
		}
	}
	return applied(condition, c.apply(ctx, all)).or(o)
}
