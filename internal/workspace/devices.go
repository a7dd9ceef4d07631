package workspace

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// defaultGPU is what a quota's gpu counts where the tier names no resource.
const defaultGPU = "nvidia.com/gpu"

// GPUResource is the extended resource that a quota's gpu counts on the tier.
func GPUResource(tier *v1alpha1.WorkspaceTier) string {
	return cmp.Or(tier.Spec.GPUResource, defaultGPU)
}

func gpuKey(tier *v1alpha1.WorkspaceTier) string { return requests + GPUResource(tier) }

// requests is the prefix of a ResourceQuota key that counts an extended resource.
const requests = "requests."

// deviceOf returns the extended resource that a ResourceQuota key counts. Those under deviceclass.resource.kubernetes.io stand for
// a DeviceClass; all others under kubernetes.io are no devices.
func deviceOf(key string) (device string, isDevice bool) {
	device, isRequest := strings.CutPrefix(key, requests)
	native := strings.Contains(device, "kubernetes.io/") && !strings.HasPrefix(device, "deviceclass.resource.kubernetes.io/")
	return device, isRequest && strings.Contains(device, "/") && !native
}

// Devices are the extended resources that a tier names in a Flyte domain, sorted: its GPU resource, and those with an amount.
func Devices(tier *v1alpha1.WorkspaceTier, domain string) []string {
	named := map[string]bool{GPUResource(tier): true}
	for _, quota := range []v1alpha1.TierQuota{tier.Spec.Quota, tier.Spec.Domains[domain].Quota} {
		for _, amounts := range []v1alpha1.TierAmounts{quota.Default, quota.Maximum} {
			for key := range amounts.Extra {
				if device, isDevice := deviceOf(key); isDevice {
					named[device] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(named))
}
