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
	asked, had := after.Spec.Quota, before.Spec.Quota
	if newTier {
		had = v1alpha1.Quota{}
	}
	return invalid(refusedAmounts(asked, had, tier))
}

// refusedAmounts are the amounts that the tier refuses, of those that are not in had.
func refusedAmounts(asked, had v1alpha1.Quota, tier *v1alpha1.WorkspaceTier) (fields []FieldError) {
	known := amountsByKey(v1alpha1.TierAmounts{Quota: had})
	for _, l := range limits(v1alpha1.TierAmounts{Quota: asked}, maxima(asked, tier, "")...) {
		amount, above := l.effective()
		switch {
		case sameAmount(l.requested, known[l.key]):
		case l.requested != "" && l.key == gpuKey(tier):
			fields = append(fields, FieldError{Field: l.field(), Message: "is quota.gpu on the tier " + tier.Name})
		case above:
			message := fmt.Sprintf("is above %s, the maximum of the tier %s", amount.String(), tier.Name)
			fields = append(fields, FieldError{Field: l.field(), Message: message})
		}
	}
	return fields
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
