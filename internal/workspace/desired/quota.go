package desired

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// defaultGPU is what a quota's gpu counts where the tier names no resource.
const defaultGPU = "nvidia.com/gpu"

// Names of the objects that bound what a workspace may use.
const (
	quotaName  = "workspace-quota"
	limitsName = "workspace-limits"
)

// Quota is the ResourceQuota and the LimitRange.
func (p *Plan) Quota() Part {
	amounts, _ := p.effectiveQuota()
	limits := &corev1.LimitRange{ObjectMeta: p.metadata(limitsName)}
	limits.Spec.Limits = []corev1.LimitRangeItem{containerLimits(p.Tier.Spec.LimitRange)}
	return Part{
		Objects: []client.Object{p.resourceQuota(p.hard(amounts)), limits},
		Kinds:   []client.Object{&corev1.ResourceQuota{}, &corev1.LimitRange{}},
	}
}

// Clamped names the keys of the quota that the tier's maximum has lowered.
func (p *Plan) Clamped() []string {
	_, clamped := p.effectiveQuota()
	return clamped
}

func (p *Plan) effectiveQuota() (amounts map[string]resource.Quantity, clamped []string) {
	return workspace.EffectiveQuota(p.Workspace.Spec.Quota, p.Tier, p.Namespace.Domain)
}

func (p *Plan) resourceQuota(hard corev1.ResourceList) *corev1.ResourceQuota {
	return &corev1.ResourceQuota{ObjectMeta: p.metadata(quotaName), Spec: corev1.ResourceQuotaSpec{Hard: hard}}
}

// noExternalServices allows no Service that is reachable from outside the cluster.
func noExternalServices() corev1.ResourceList {
	none := resource.MustParse("0")
	return corev1.ResourceList{corev1.ResourceServicesLoadBalancers: none, corev1.ResourceServicesNodePorts: none}
}

// hard gives the amounts by ResourceQuota key. The key of an extra amount is one already. A locked workspace starts no pods; running
// ones finish.
func (p *Plan) hard(amounts map[string]resource.Quantity) corev1.ResourceList {
	hard := noExternalServices()
	keys := quotaKeys(cmp.Or(p.Tier.Spec.GPUResource, defaultGPU))
	for key, amount := range amounts {
		names, named := keys[key]
		if !named {
			names = []corev1.ResourceName{corev1.ResourceName(key)}
		}
		for _, name := range names {
			hard[name] = amount
		}
	}
	if p.locked() {
		hard[corev1.ResourcePods] = resource.MustParse("0")
	}
	return hard
}

// quotaKeys are the ResourceQuota keys of each amount, where gpu counts the resource.
func quotaKeys(gpu string) map[string][]corev1.ResourceName {
	return map[string][]corev1.ResourceName{
		"cpu":                    {corev1.ResourceRequestsCPU, corev1.ResourceLimitsCPU},
		"memory":                 {corev1.ResourceRequestsMemory, corev1.ResourceLimitsMemory},
		"gpu":                    {gpuKey(gpu)},
		"storage":                {corev1.ResourceRequestsStorage},
		"pods":                   {corev1.ResourcePods},
		"services":               {corev1.ResourceServices},
		"persistentVolumeClaims": {corev1.ResourcePersistentVolumeClaims},
	}
}

func gpuKey(gpuResource string) corev1.ResourceName {
	return corev1.DefaultResourceRequestsPrefix + corev1.ResourceName(gpuResource)
}

// containerLimits fills in the defaults as the API server does: a default request from the default limit, and
// a default limit from the maximum (k8s.io/kubernetes/pkg/apis/core/v1, SetDefaults_LimitRangeItem).
func containerLimits(r v1alpha1.LimitRange) corev1.LimitRangeItem {
	return corev1.LimitRangeItem{
		Type:                 corev1.LimitTypeContainer,
		Default:              resources(r.Max, r.Default),
		DefaultRequest:       resources(r.Min, r.Max, r.Default, r.DefaultRequest),
		Min:                  resources(r.Min),
		Max:                  resources(r.Max),
		MaxLimitRequestRatio: resources(r.MaxLimitRequestRatio),
	}
}

// resources is a list of compute resources, where later amounts override earlier ones.
func resources(layers ...v1alpha1.ComputeResources) corev1.ResourceList {
	list := corev1.ResourceList{}
	for _, layer := range layers {
		for name, amount := range map[corev1.ResourceName]v1alpha1.Quantity{
			corev1.ResourceCPU: layer.CPU, corev1.ResourceMemory: layer.Memory, corev1.ResourceEphemeralStorage: layer.EphemeralStorage,
		} {
			if amount != "" {
				list[name] = workspace.ParseQuantity(amount)
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list
}
