package workspace

import (
	"cmp"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// limit is one entry of a quota: its key as in the payload, the requested amount and its maxima.
type limit struct {
	key, requested string
	maxima         []string
}

// limits pairs each requested amount with its maxima: the keys with fields of their own first, then the extra ones in alphabetical order.
func limits(requested v1alpha1.TierAmounts, maxima ...v1alpha1.TierAmounts) (all []limit) {
	extra := map[string]bool{}
	for _, amounts := range append([]v1alpha1.TierAmounts{requested}, maxima...) {
		for key := range amounts.Extra {
			extra[key] = true
		}
	}
	requests, bounds := amountsByKey(requested), make([]map[string]string, len(maxima))
	for i, maximum := range maxima {
		bounds[i] = amountsByKey(maximum)
	}
	named := []string{"cpu", "memory", "gpu", "storage", "pods", "services", "persistentVolumeClaims"}
	for _, key := range append(named, slices.Sorted(maps.Keys(extra))...) {
		l := limit{key: key, requested: requests[key]}
		for _, bound := range bounds {
			l.maxima = append(l.maxima, bound[key])
		}
		all = append(all, l)
	}
	return all
}

// amountsByKey returns all amounts. A key of Extra is a key of the ResourceQuota, and never a named key.
func amountsByKey(a v1alpha1.TierAmounts) map[string]string {
	all := map[string]string{}
	for key, amount := range a.Extra {
		all[key] = string(amount)
	}
	maps.Copy(all, map[string]string{
		"cpu": string(a.CPU), "memory": string(a.Memory), "gpu": string(a.GPU), "storage": string(a.Storage), "pods": string(a.Pods),
		"services": string(a.Services), "persistentVolumeClaims": string(a.PersistentVolumeClaims),
	})
	return all
}

// withDefaults returns a, with the amounts of b for the keys that a leaves out.
func withDefaults(a, b v1alpha1.TierAmounts) v1alpha1.TierAmounts {
	extra := maps.Clone(b.Extra)
	if extra == nil {
		extra = v1alpha1.ExtraAmounts{}
	}
	maps.Copy(extra, a.Extra)
	return v1alpha1.TierAmounts{
		Quota: v1alpha1.Quota{
			CPU: cmp.Or(a.CPU, b.CPU), Memory: cmp.Or(a.Memory, b.Memory), GPU: cmp.Or(a.GPU, b.GPU),
			Storage: cmp.Or(a.Storage, b.Storage), Pods: cmp.Or(a.Pods, b.Pods),
		},
		Services:               cmp.Or(a.Services, b.Services),
		PersistentVolumeClaims: cmp.Or(a.PersistentVolumeClaims, b.PersistentVolumeClaims),
		Extra:                  extra,
	}
}

// EffectiveQuota returns the quota of a workspace in the namespace of a Flyte domain, or of "" where all domains share one: the
// requested amount, or else the tier's default, and at most the tier's maximum. Keys without a limit are absent; extra keys are
// keys of the ResourceQuota. clamped are the keys of q that the maximum has lowered.
func EffectiveQuota(
	q v1alpha1.Quota, tier *v1alpha1.WorkspaceTier, domain string,
) (amounts map[string]resource.Quantity, clamped []string) {
	amounts = map[string]resource.Quantity{}
	override := tier.Spec.Domains[domain].Quota
	maximum, domainMaximum := tier.Spec.Quota.Maximum, override.Maximum
	requested := v1alpha1.TierAmounts{Quota: q}
	for _, l := range limits(
		withDefaults(requested, withDefaults(override.Default, tier.Spec.Quota.Default)), maximum, domainMaximum,
	) {
		if l.limited() {
			amounts[l.key], _ = l.effective()
		}
	}
	for _, l := range limits(requested, maximum, domainMaximum) {
		if _, lowered := l.effective(); lowered {
			clamped = append(clamped, l.key)
		}
	}
	return amounts, clamped
}

// limited reports whether an amount is requested, or has a maximum.
func (l limit) limited() bool {
	return l.requested != "" || slices.ContainsFunc(l.maxima, func(maximum string) bool { return maximum != "" })
}

// effective returns the amount in force, and whether a maximum has lowered the requested one. It ignores quantities outside
// the bounded form, which validation refuses.
func (l limit) effective() (amount resource.Quantity, lowered bool) {
	amount, requested := parseQuantity(l.requested)
	known := requested
	for _, text := range l.maxima {
		if maximum, bounded := parseQuantity(text); bounded && (!known || amount.Cmp(maximum) > 0) {
			amount, known, lowered = maximum, true, requested
		}
	}
	return amount, lowered
}

// sameAmount reports whether both are the same amount, however it is written.
func sameAmount(one, other string) bool {
	a, ok := parseQuantity(one)
	b, otherOK := parseQuantity(other)
	return ok && otherOK && a.Cmp(b) == 0
}

func parseQuantity(text string) (resource.Quantity, bool) {
	if !quantity.MatchString(text) {
		return resource.Quantity{}, false
	}
	q, err := resource.ParseQuantity(text)
	q.RoundUp(resource.Milli) // as the API server does, so that the stored object equals the desired one
	return q, err == nil
}

// ParseQuantity parses a quantity in the bounded form. Any other text is the zero Quantity.
func ParseQuantity(q v1alpha1.Quantity) resource.Quantity {
	amount, _ := parseQuantity(string(q))
	return amount
}
