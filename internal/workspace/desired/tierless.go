package desired

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// If the tier was deleted, its content is unknown. TierlessNamespace and TierlessQuota enforce what does not depend on it, and leave the
// rest as it is.

// defaultGPU is what the quota's gpu counts on a tier that names no resource.
var defaultGPU = workspace.GPUResource(&v1alpha1.WorkspaceTier{})

// TierlessNamespace is the Namespace of a plan without a tier, derived from the live one: its Pod Security Standard is at least
// baseline, and the tier's labels and annotations stay.
func (p *Plan) TierlessNamespace(live *corev1.Namespace) *corev1.Namespace {
	kept := *p
	kept.QueueLabel = live.Labels[v1alpha1.LabelQueue] != ""
	want := kept.namespace(v1alpha1.PodSecurity{
		Enforce: atLeastBaseline(live, "enforce", v1alpha1.PodSecurityBaseline),
		Warn:    atLeastBaseline(live, "warn", v1alpha1.PodSecurityRestricted),
		Audit:   atLeastBaseline(live, "audit", v1alpha1.PodSecurityRestricted),
	})
	keys := v1alpha1.TierKeysOf(live)
	tierMetadata{labels: only(live.Labels, keys.Labels), annotations: only(live.Annotations, keys.Annotations)}.addTo(want)
	if devices, denies := live.Annotations[v1alpha1.AnnotationDevices]; denies {
		setDevices(want, devices)
	}
	return want
}

// only are the entries with these keys.
func only(all map[string]string, keys []string) map[string]string {
	some := map[string]string{}
	for _, key := range keys {
		if value, has := all[key]; has {
			some[key] = value
		}
	}
	return some
}

// atLeastBaseline is the Pod Security Standard of the Namespace in one mode, or otherwise where it has none or a weaker one.
func atLeastBaseline(live *corev1.Namespace, mode string, otherwise v1alpha1.PodSecurityLevel) v1alpha1.PodSecurityLevel {
	level := v1alpha1.PodSecurityLevel(live.Labels[v1alpha1.PodSecurityPrefix+mode])
	if level == v1alpha1.PodSecurityBaseline || level == v1alpha1.PodSecurityRestricted {
		return level
	}
	return otherwise
}

// TierlessQuota is the ResourceQuota of a plan without a tier, derived from the live one, which is nil if there is none: amounts are
// lowered to those that the workspace requests, and other amounts stay. A locked workspace, and one whose ResourceQuota was deleted,
// starts no pods. Nothing is pruned: limits that another version created stay until the tier exists again.
func (p *Plan) TierlessQuota(live *corev1.ResourceQuota) Part {
	hard := noExternalServices()
	if p.locked() || live == nil {
		hard[corev1.ResourcePods] = resource.MustParse("0")
	} else {
		hard = live.Spec.Hard.DeepCopy()
		if hard == nil {
			hard = corev1.ResourceList{}
		}
		maps.Copy(hard, noExternalServices())
		asked, _ := workspace.EffectiveQuota(p.Workspace.Spec.Quota, &v1alpha1.WorkspaceTier{}, "")
		for key, amount := range asked {
			for _, name := range quotaNames(key, defaultGPU) {
				lower(hard, name, amount)
			}
		}
	}
	return Part{Objects: []client.Object{p.resourceQuota(hard)}}
}

// QuotaKey names the ResourceQuota of the plan's namespace.
func (p *Plan) QuotaKey() client.ObjectKey {
	return client.ObjectKey{Namespace: p.Namespace.Name, Name: quotaName}
}

// lower reduces the amount of a resource to at most this one. It does not add the default GPU resource: the tier may have used
// another.
func lower(hard corev1.ResourceList, name corev1.ResourceName, most resource.Quantity) {
	amount, has := hard[name]
	if isGPU := name == gpuKey(defaultGPU); !has && isGPU || has && amount.Cmp(most) <= 0 {
		return
	}
	hard[name] = most
}
