package workspace

import (
	"cmp"
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// limit is one entry of a quota: its key as in the payload, the amount wanted and the tier's maximum for it.
type limit struct{ key, wanted, maximum string }

// limits pairs what q wants with the maximum of it.
func limits(q, maximum v1alpha1.Quota) []limit {
	return []limit{
		{"cpu", string(q.CPU), string(maximum.CPU)},
		{"memory", string(q.Memory), string(maximum.Memory)},
		{"gpu", string(q.GPU), string(maximum.GPU)},
		{"storage", string(q.Storage), string(maximum.Storage)},
		{"pods", string(q.Pods), string(maximum.Pods)},
	}
}

// orDefault is q, with the default for each key that it leaves out.
func orDefault(q, d v1alpha1.Quota) v1alpha1.Quota {
	return v1alpha1.Quota{
		CPU: cmp.Or(q.CPU, d.CPU), Memory: cmp.Or(q.Memory, d.Memory), GPU: cmp.Or(q.GPU, d.GPU),
		Storage: cmp.Or(q.Storage, d.Storage), Pods: cmp.Or(q.Pods, d.Pods),
	}
}

// Admit refuses content that its tier does not allow: a tier that does not exist (nil), or a quota above the tier's
// maximum. The error is KindInvalid, with the fields below data.
func Admit(s *v1alpha1.WorkspaceSpec, tier *v1alpha1.WorkspaceTier) error {
	if tier == nil {
		return invalid([]FieldError{{Field: "tier", Message: "names no WorkspaceTier of this cluster"}})
	}
	var fields []FieldError
	for _, l := range limits(s.Quota, tier.Spec.Quota.Maximum) {
		if amount, above := l.effective(); above {
			message := fmt.Sprintf("is above %s, the maximum of the tier %s", amount.String(), tier.Name)
			fields = append(fields, FieldError{Field: "quota." + l.key, Message: message})
		}
	}
	return invalid(fields)
}

// EffectiveQuota is what holds for a workspace: what it wants, or else the tier's default, but never above the
// tier's maximum. Keys without a limit are absent. clamped names the keys that the maximum has lowered.
func EffectiveQuota(q v1alpha1.Quota, tier *v1alpha1.WorkspaceTier) (amounts map[string]resource.Quantity, clamped []string) {
	amounts = map[string]resource.Quantity{}
	for _, l := range limits(orDefault(q, tier.Spec.Quota.Default), tier.Spec.Quota.Maximum) {
		if l.wanted == "" && l.maximum == "" {
			continue
		}
		amount, lowered := l.effective()
		amounts[l.key] = amount
		if lowered {
			clamped = append(clamped, l.key)
		}
	}
	return amounts, clamped
}

// effective is the amount that holds, and whether the maximum has lowered what was wanted. Only quantities in the
// bounded form are parsed; any other counts as nothing, since validation has refused it before.
func (l limit) effective() (amount resource.Quantity, lowered bool) {
	maximum, bounded := parseQuantity(l.maximum)
	wanted, asked := parseQuantity(l.wanted)
	switch {
	case !asked:
		return maximum, false
	case bounded && wanted.Cmp(maximum) > 0:
		return maximum, true
	}
	return wanted, false
}

func parseQuantity(text string) (resource.Quantity, bool) {
	if !quantity.MatchString(text) {
		return resource.Quantity{}, false
	}
	q, err := resource.ParseQuantity(text)
	q.RoundUp(resource.Milli) // as the API server does: what it stores must not differ from what we want
	return q, err == nil
}

// ParseQuantity reads a quantity in the bounded form. The zero Quantity stands for any other text, "" among them.
func ParseQuantity(q v1alpha1.Quantity) resource.Quantity {
	amount, _ := parseQuantity(string(q))
	return amount
}
