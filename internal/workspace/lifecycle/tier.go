package lifecycle

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// noTier is the outcome of a step that follows the tier, while there is none that the workspace may be on. A deleted
// workspace needs none: nothing is made for it.
func (t *target) noTier(condition string) outcome {
	w := t.workspace
	switch {
	case w.Spec.State == v1alpha1.StateDeleted:
		return done(condition, v1alpha1.ReasonApplied, "")
	case t.refused:
		message := fmt.Sprintf("the WorkspaceTier %q does not allow this workspace", w.Spec.Tier)
		return waiting(condition, v1alpha1.ReasonTierNotAllowed, message)
	}
	return waiting(condition, v1alpha1.ReasonTierNotFound, fmt.Sprintf("the WorkspaceTier %q does not exist", w.Spec.Tier))
}

// unfilled reports the tier's annotations that were left out.
func (t *target) unfilled(condition string) outcome {
	for _, plan := range t.ready {
		if keys := plan.Unfilled(); len(keys) > 0 {
			message := fmt.Sprintf("the tier %s wants {domain} in annotations, but NAMESPACE_TEMPLATE has no {domain}: %s are left out",
				t.tier.Name, strings.Join(keys, ", "))
			return waiting(condition, v1alpha1.ReasonTierInvalid, bounded(message))
		}
	}
	return done(condition, v1alpha1.ReasonApplied, "")
}

// unknownDomains reports the domains of the tier that no namespace is of. Their quotas hold nowhere.
func (t *target) unknownDomains(condition string) outcome {
	unknown := maps.Clone(t.tier.Spec.Domains)
	for _, plan := range t.plans {
		delete(unknown, plan.Namespace.Domain)
	}
	if len(unknown) == 0 || t.workspace.Spec.State == v1alpha1.StateDeleted {
		return done(condition, v1alpha1.ReasonApplied, "")
	}
	message := fmt.Sprintf("the tier %s has quotas of domains that no namespace is of: %s",
		t.tier.Name, strings.Join(slices.Sorted(maps.Keys(unknown)), ", "))
	return done(condition, v1alpha1.ReasonDomainIgnored, bounded(message))
}
