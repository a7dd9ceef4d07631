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
		return applied(condition, c.apply(ctx, t.locks())).or(t.noTier(condition))
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
	o := t.missing(condition)
	if o.done && len(lowered) > 0 {
		message := fmt.Sprintf("the maximum of the tier %s holds for: %s", t.tier.Name, strings.Join(lowered, ", "))
		o = done(condition, v1alpha1.ReasonQuotaClamped, bounded(message))
	} else if o.done {
		o = t.unknownDomains(condition)
	}
	return applied(condition, c.apply(ctx, all)).or(o)
}

// locks keep a locked workspace without a tier from starting anything. An active one keeps the quota that it has.
func (t *target) locks() (quotas []client.Object) {
	if t.workspace.Spec.State == v1alpha1.StateActive {
		return nil
	}
	for _, plan := range t.ready {
		quotas = append(quotas, plan.LockObject())
	}
	return quotas
}
