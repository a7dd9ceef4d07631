package workspace

import (
	"fmt"
	glob "path"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// Admit refuses what after asks for, before did not, and the tier of after does not allow: a tier that does not exist
// (nil) or does not allow the workspace, or a quota above the tier's maximum. What before had already is not refused,
// however the tier has changed since: an event that takes access away must never fail for it. The error is
// KindInvalid, with the fields below data.
func Admit(before, after *v1alpha1.Workspace, tier *v1alpha1.WorkspaceTier) error {
	newTier := !HasContent(before) || before.Spec.Tier != after.Spec.Tier
	switch {
	case tier == nil && newTier:
		return invalid([]FieldError{{Field: "tier", Message: "names no WorkspaceTier of this cluster"}})
	case tier == nil:
		return nil
	case newTier && !TierAllows(tier, after.Name):
		return invalid([]FieldError{{Field: "tier", Message: "is a WorkspaceTier that this workspace may not be on"}})
	}
	var fields []FieldError
	had := texts(v1alpha1.TierAmounts{Quota: before.Spec.Quota})
	for _, l := range limits(v1alpha1.TierAmounts{Quota: after.Spec.Quota}, tier.Spec.Quota.Maximum) {
		if amount, above := l.effective(); above && (newTier || !sameAmount(l.wanted, had[l.key])) {
			message := fmt.Sprintf("is above %s, the maximum of the tier %s", amount.String(), tier.Name)
			fields = append(fields, FieldError{Field: "quota." + l.key, Message: message})
		}
	}
	return invalid(fields)
}

// HasContent reports whether the content of w has ever arrived, by an event or by hand.
func HasContent(w *v1alpha1.Workspace) bool {
	return w.Spec.Version > 0 || w.Spec.DisplayName != "" || len(w.Status.Namespaces) > 0
}

// TierAllows tells whether the workspace of this id may be on the tier. A pattern that can't be read allows nobody.
func TierAllows(tier *v1alpha1.WorkspaceTier, id string) bool {
	patterns := tier.Spec.AllowedWorkspaces
	for _, pattern := range patterns {
		if matches, err := glob.Match(pattern, id); err == nil && matches {
			return true
		}
	}
	return len(patterns) == 0
}
