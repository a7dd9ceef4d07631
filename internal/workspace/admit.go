package workspace

import (
	"fmt"
	glob "path"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// Admit refuses what after newly requests and its tier does not allow: a tier that does not exist (nil) or excludes the
// workspace, or a quota above the tier's maximum. It never refuses what before had already, however the tier has changed
// since: an event that revokes access must not fail for that. The error is KindInvalid, with fields below data.
func Admit(before, after *v1alpha1.Workspace, tier *v1alpha1.WorkspaceTier) error {
	newTier := !HasContent(before) || before.Spec.Tier != after.Spec.Tier
	switch {
	case tier == nil && newTier:
		return invalid([]FieldError{{Field: "tier", Message: "must be the name of an existing WorkspaceTier"}})
	case tier == nil:
		return nil
	case newTier && !TierAllows(tier, after.Name):
		return invalid([]FieldError{{Field: "tier", Message: "must be a WorkspaceTier that allows this workspace"}})
	}
	var fields []FieldError
	had := amountsByKey(v1alpha1.TierAmounts{Quota: before.Spec.Quota})
	for _, l := range limits(v1alpha1.TierAmounts{Quota: after.Spec.Quota}, tier.Spec.Quota.Maximum) {
		if amount, above := l.effective(); above && (newTier || !sameAmount(l.requested, had[l.key])) {
			message := fmt.Sprintf("is above %s, the maximum of the tier %s", amount.String(), tier.Name)
			fields = append(fields, FieldError{Field: "quota." + l.key, Message: message})
		}
	}
	return invalid(fields)
}

// HasContent reports whether w has ever received content, by an event or by hand.
func HasContent(w *v1alpha1.Workspace) bool {
	return w.Spec.Version > 0 || w.Spec.DisplayName != "" || len(w.Status.Namespaces) > 0
}

// TierAllows reports whether the workspace of this id may be on the tier. A malformed pattern allows no workspace.
func TierAllows(tier *v1alpha1.WorkspaceTier, id string) bool {
	patterns := tier.Spec.AllowedWorkspaces
	for _, pattern := range patterns {
		if matches, err := glob.Match(pattern, id); err == nil && matches {
			return true
		}
	}
	return len(patterns) == 0
}
