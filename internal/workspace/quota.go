package workspace

import (
	"cmp"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// limit is one entry of a quota: its key as in the payload, the amount wanted and the maxima for it.
type limit struct {
	key, wanted string
	maxima      []string
}

// namedKeys are the keys of a quota that have fields of their own, in the order in which people read them.
func namedKeys() []string {
	return []string{"cpu", "memory", "gpu", "storage", "pods", "services", "persistentVolumeClaims"}
}

// limits pairs what is wanted with the maxima of it: the named keys first, then the extra ones in alphabetical order.
func limits(wanted v1alpha1.TierAmounts, maxima ...v1alpha1.TierAmounts) (all []limit) {
	extra := map[string]bool{}
	for _, amounts := range append([]v1alpha1.TierAmounts{wanted}, maxima...) {
		for key := range amounts.Extra {
			extra[key] = true
		}
	}
	asked, bounds := texts(wanted), make([]map[string]string, len(maxima))
	for i, maximum := range maxima {
		bounds[i] = texts(maximum)
	}
	for _, key := range append(namedKeys(), slices.Sorted(maps.Keys(extra))...) {
		l := limit{key: key, wanted: asked[key]}
		for _, bound := range bounds {
			l.maxima = append(l.maxima, bound[key])
		}
		all = append(all, l)
	}
	return all
}

// texts are all amounts by key. A key of Extra is a key of the ResourceQuota; none of them is a named key.
func texts(a v1alpha1.TierAmounts) map[string]string {
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

// or is a, with what b has for each key that a leaves out.
func or(a, b v1alpha1.TierAmounts) v1alpha1.TierAmounts {
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

// EffectiveQuota is what holds for a workspace in the namespace of a Flyte domain, or "" where all domains share one:
// what it wants, or else the tier's default for the domain, but never above the tier's maximum for it. Keys without
// a limit are absent; extra keys are keys of the ResourceQuota. clamped names the keys of q that the maximum has lowered.
func EffectiveQuota(
	q v1alpha1.Quota, tier *v1alpha1.WorkspaceTier, domain string,
) (amounts map[string]resource.Quantity, clamped []string) {
	amounts = map[string]resource.Quantity{}
	override := tier.Spec.Domains[domain].Quota
	maximum, domainMaximum := tier.Spec.Quota.Maximum, override.Maximum
	asked := v1alpha1.TierAmounts{Quota: q}
	for _, l := range limits(or(asked, or(override.Default, tier.Spec.Quota.Default)), maximum, domainMaximum) {
		if l.limited() {
			amounts[l.key], _ = l.effective()
		}
	}
	for _, l := range limits(asked, maximum, domainMaximum) {
		if _, lowered := l.effective(); lowered {
			clamped = append(clamped, l.key)
		}
	}
	return amounts, clamped
}

// limited tells whether anything is wanted, or bounded.
func (l limit) limited() bool {
	return l.wanted != "" || slices.ContainsFunc(l.maxima, func(maximum string) bool { return maximum != "" })
}

// effective is the amount that holds, and whether a maximum has lowered what was wanted. Only quantities in the
// bounded form are parsed; any other counts as nothing, since validation has refused it before.
func (l limit) effective() (amount resource.Quantity, lowered bool) {
	amount, wanted := parseQuantity(l.wanted)
	known := wanted
	for _, text := range l.maxima {
		if maximum, bounded := parseQuantity(text); bounded && (!known || amount.Cmp(maximum) > 0) {
			amount, known, lowered = maximum, true, wanted
		}
	}
	return amount, lowered
}

// sameAmount reports whether both want the same amount, however it is written.
func sameAmount(one, other string) bool {
	a, wanted := parseQuantity(one)
	b, otherWanted := parseQuantity(other)
	return wanted && otherWanted && a.Cmp(b) == 0
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
