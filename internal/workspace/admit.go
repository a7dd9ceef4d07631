package workspace

import (
	"fmt"
	glob "path"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// Admit refuses content that its tier does not allow: a tier that does not exist (nil), one that this workspace may not
// be on, or a quota above the tier's maximum. The error is KindInvalid, with the fields below data.
func Admit(w *v1alpha1.Workspace, tier *v1alpha1.WorkspaceTier) error {
	switch {
	case tier == nil:
		return invalid([]FieldError{{Field: "tier", Message: "names no WorkspaceTier of this cluster"}})
	case !TierAllows(tier, w.Name):
		return invalid([]FieldError{{Field: "tier", Message: "is a WorkspaceTier that this workspace may not be on"}})
	}
	var fields []FieldError
	for _, l := range limits(v1alpha1.TierAmounts{Quota: w.Spec.Quota}, tier.Spec.Quota.Maximum) {
		if amount, above := l.effective(); above {
			message := fmt.Sprintf("is above %s, the maximum of the tier %s", amount.String(), tier.Name)
			fields = append(fields, FieldError{Field: "quota." + l.key, Message: message})
		}
	}
	return invalid(fields)
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
