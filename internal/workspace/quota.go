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
	extra          bool
	maxima         []string
}

// field is the path of the entry in the payload.
func (l limit) field() string {
	if l.extra {
		return "quota.extra[" + quoted(l.key) + "]"
	}
	return "quota." + l.key
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
		l := limit{key: key, requested: requests[key], extra: extra[key]}
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
			Storage: cmp.Or(a.Storage, b.Storage), Pods: cmp.Or(a.Pods, b.Pods), Extra: extra,
		},
		Services:               cmp.Or(a.Services, b.Services),
		PersistentVolumeClaims: cmp.Or(a.PersistentVolumeClaims, b.PersistentVolumeClaims),
	}
}

// maxima are what a tier allows in the namespace of a Flyte domain. An extra key without a maximum can't be raised above the default:
// the tier's counts protect the cluster. If the tier denies other devices, the requested ones that it doesn't name are 0.
func maxima(requested v1alpha1.Quota, tier *v1alpha1.WorkspaceTier, domain string) []v1alpha1.TierAmounts {
	override, maximum := tier.Spec.Domains[domain].Quota, tier.Spec.Quota.Maximum
	fixed := withDefaults(override.Default, tier.Spec.Quota.Default).Extra
	maps.DeleteFunc(fixed, func(key string, _ v1alpha1.Quantity) bool {
		return maximum.Extra[key]+override.Maximum.Extra[key] != ""
	})
	if tier.Spec.DenyOtherDevices {
		named := Devices(tier, domain)
		for key := range requested.Extra {
			if device, isDevice := deviceOf(key); isDevice && !slices.Contains(named, device) {
				fixed[key] = "0"
			}
		}
	}
	return []v1alpha1.TierAmounts{maximum, override.Maximum, {Quota: v1alpha1.Quota{Extra: fixed}}}
}

// onTier returns q with the extra key of the tier's GPU resource as gpu: an amount at two places is the lower one.
func onTier(q v1alpha1.Quota, tier *v1alpha1.WorkspaceTier) v1alpha1.Quota {
	key := gpuKey(tier)
	amount, has := q.Extra[key]
	if !has {
		return q
	}
	q.Extra = maps.Clone(q.Extra)
	delete(q.Extra, key)
	ofField, limited := parseQuantity(string(q.GPU))
	if ofExtra, ok := parseQuantity(string(amount)); ok && (!limited || ofExtra.Cmp(ofField) < 0) {
		q.GPU = v1alpha1.Count(amount)
	}
	return q
}

// EffectiveQuota returns the quota of a workspace in the namespace of a Flyte domain, or of "" where all domains share one: the
// requested amount, or else the tier's default, and at most the tier's maximum. Keys without a limit are absent; extra keys are
// keys of the ResourceQuota. clamped are the keys of q that the maximum has lowered.
func EffectiveQuota(
	q v1alpha1.Quota, tier *v1alpha1.WorkspaceTier, domain string,
) (amounts map[string]resource.Quantity, clamped []string) {
	amounts = map[string]resource.Quantity{}
	q = onTier(q, tier)
	requested, most := v1alpha1.TierAmounts{Quota: q}, maxima(q, tier, domain)
	defaults := withDefaults(tier.Spec.Domains[domain].Quota.Default, tier.Spec.Quota.Default)
	for _, l := range limits(withDefaults(requested, defaults), most...) {
		if l.limited() {
			amounts[l.key], _ = l.effective()
		}
	}
	for _, l := range limits(requested, most...) {
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
