package desired

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// priorityQuotas are the ResourceQuotas of the tier's priority classes. One of the domain replaces the tier's.
func (p *Plan) priorityQuotas() (quotas []client.Object) {
	classes := map[string]v1alpha1.PodAmounts{}
	maps.Copy(classes, p.Tier.Spec.Quota.PriorityClasses)
	maps.Copy(classes, p.Tier.Spec.Domains[p.Namespace.Domain].Quota.PriorityClasses)
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		quotas = append(quotas, p.priorityQuota(class, classes[class]))
	}
	return quotas
}

func (p *Plan) priorityQuota(class string, amounts v1alpha1.PodAmounts) *corev1.ResourceQuota {
	set := map[string]resource.Quantity{}
	for key, amount := range map[string]v1alpha1.Quantity{
		"cpu": amounts.CPU, "memory": amounts.Memory, "gpu": v1alpha1.Quantity(amounts.GPU), "pods": v1alpha1.Quantity(amounts.Pods),
	} {
		if amount != "" {
			set[key] = workspace.ParseQuantity(amount)
		}
	}
	if workspace.SharesQuota(p.Tier) {
		set = workspace.Share(set, p.Tier, p.Namespace.Domain, p.Domains)
	}
	return &corev1.ResourceQuota{
		ObjectMeta: p.metadata(v1alpha1.PriorityQuotaPrefix + class),
		Spec: corev1.ResourceQuotaSpec{Hard: byQuotaName(set, workspace.GPUResource(p.Tier)), ScopeSelector: &corev1.ScopeSelector{
			MatchExpressions: []corev1.ScopedResourceSelectorRequirement{{
				ScopeName: corev1.ResourceQuotaScopePriorityClass, Operator: corev1.ScopeSelectorOpIn, Values: []string{class},
			}},
		}},
	}
}
