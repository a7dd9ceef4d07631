package workspace

import "strings"

// QueueResource returns the resource of pods that a ResourceQuota key bounds, if a queue can bound it instead: cpu, memory, local
// storage, huge pages and extended resources. Volumes, objects and DeviceClasses stay with the ResourceQuota.
func QueueResource(key string) (name string, ok bool) {
	if device, isDevice := deviceOf(key); isDevice {
		return device, !strings.HasPrefix(device, "deviceclass.resource.kubernetes.io/")
	}
	name = strings.TrimPrefix(strings.TrimPrefix(key, requests), "limits.")
	switch {
	case name == "cpu", name == "memory", name == "ephemeral-storage", strings.HasPrefix(name, "hugepages-"):
		return name, true
	}
	return "", false
}
