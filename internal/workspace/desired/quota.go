package desired

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

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
		Objects: append([]client.Object{p.resourceQuota(p.hard(amounts)), limits}, p.priorityQuotas()...),
		Kinds:   []client.Object{&corev1.ResourceQuota{}, &corev1.LimitRange{}},
	}
}

// Clamped names the keys of the quota that the tier's maximum has lowered.
func (p *Plan) Clamped() []string {
	_, clamped := p.effectiveQuota()
	return clamped
}

func (p *Plan) effectiveQuota() (amounts map[string]resource.Quantity, clamped []string) {
	return workspace.NamespaceQuota(p.Workspace.Spec.Quota, p.Tier, p.Namespace.Domain, p.Domains)
}

func (p *Plan) resourceQuota(hard corev1.ResourceList) *corev1.ResourceQuota {
	return &corev1.ResourceQuota{ObjectMeta: p.metadata(quotaName), Spec: corev1.ResourceQuotaSpec{Hard: hard}}
}

// noExternalServices allows no Service that is reachable from outside the cluster.
func noExternalServices() corev1.ResourceList {
	none := resource.MustParse("0")
	return corev1.ResourceList{corev1.ResourceServicesLoadBalancers: none, corev1.ResourceServicesNodePorts: none}
}

// hard gives the amounts by ResourceQuota key. A locked workspace starts no pods; running ones finish. A ResourceQuota charges pods that
// wait in a queue, and would refuse the next one (kubernetes/enhancements#5490): under a live queue it leaves out what the queue bounds.
func (p *Plan) hard(amounts map[string]resource.Quantity) corev1.ResourceList {
	hard := noExternalServices()
	maps.Copy(hard, byQuotaName(amounts, workspace.GPUResource(p.Tier)))
	if p.QueueLive {
		maps.DeleteFunc(hard, func(key corev1.ResourceName, _ resource.Quantity) bool {
			return queueBounds(p.Tier, amounts, key)
		})
	}
	if p.locked() {
		hard[corev1.ResourcePods] = resource.MustParse("0")
	}
	return hard
}

// byQuotaName has the amounts by ResourceQuota key, where gpu counts this resource.
func byQuotaName(amounts map[string]resource.Quantity, gpu string) corev1.ResourceList {
	list := corev1.ResourceList{}
	for key, amount := range amounts {
		for _, name := range quotaNames(key, gpu) {
			list[name] = amount
		}
	}
	return list
}

// quotaNames are the ResourceQuota keys of an amount, where gpu counts this resource. The key of an extra amount is one already.
func quotaNames(key, gpu string) []corev1.ResourceName {
	switch key {
	case "cpu":
		return []corev1.ResourceName{corev1.ResourceRequestsCPU, corev1.ResourceLimitsCPU}
	case "memory":
		return []corev1.ResourceName{corev1.ResourceRequestsMemory, corev1.ResourceLimitsMemory}
	case "gpu":
		return []corev1.ResourceName{gpuKey(gpu)}
	case "storage":
		return []corev1.ResourceName{corev1.ResourceRequestsStorage}
	case "persistentVolumeClaims":
		return []corev1.ResourceName{corev1.ResourcePersistentVolumeClaims}
	}
	return []corev1.ResourceName{corev1.ResourceName(key)}
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
