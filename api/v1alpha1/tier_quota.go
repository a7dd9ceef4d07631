package v1alpha1

// TierQuota is a tier's default and maximum quota.
//
// +kubebuilder:validation:XValidation:rule="!has(self.default) || !has(self.maximum) || !has(self.default.cpu) || !has(self.maximum.cpu) || quantity(self.default.cpu).compareTo(quantity(self.maximum.cpu)) <= 0",message="default.cpu must not be above maximum.cpu"
// +kubebuilder:validation:XValidation:rule="!has(self.default) || !has(self.maximum) || !has(self.default.memory) || !has(self.maximum.memory) || quantity(self.default.memory).compareTo(quantity(self.maximum.memory)) <= 0",message="default.memory must not be above maximum.memory"
// +kubebuilder:validation:XValidation:rule="!has(self.default) || !has(self.maximum) || !has(self.default.gpu) || !has(self.maximum.gpu) || quantity(self.default.gpu).compareTo(quantity(self.maximum.gpu)) <= 0",message="default.gpu must not be above maximum.gpu"
// +kubebuilder:validation:XValidation:rule="!has(self.default) || !has(self.maximum) || !has(self.default.storage) || !has(self.maximum.storage) || quantity(self.default.storage).compareTo(quantity(self.maximum.storage)) <= 0",message="default.storage must not be above maximum.storage"
// +kubebuilder:validation:XValidation:rule="!has(self.default) || !has(self.maximum) || !has(self.default.pods) || !has(self.maximum.pods) || quantity(self.default.pods).compareTo(quantity(self.maximum.pods)) <= 0",message="default.pods must not be above maximum.pods"
// +kubebuilder:validation:XValidation:rule="!has(self.default) || !has(self.maximum) || !has(self.default.services) || !has(self.maximum.services) || quantity(self.default.services).compareTo(quantity(self.maximum.services)) <= 0",message="default.services must not be above maximum.services"
// +kubebuilder:validation:XValidation:rule="!has(self.default) || !has(self.maximum) || !has(self.default.persistentVolumeClaims) || !has(self.maximum.persistentVolumeClaims) || quantity(self.default.persistentVolumeClaims).compareTo(quantity(self.maximum.persistentVolumeClaims)) <= 0",message="default.persistentVolumeClaims must not be above maximum.persistentVolumeClaims"
// +kubebuilder:validation:XValidation:rule="!self.?default.extra.hasValue() || !self.?maximum.extra.hasValue() || self.default.extra.all(k, !(k in self.maximum.extra) || quantity(self.default.extra[k]).compareTo(quantity(self.maximum.extra[k])) <= 0)",message="default.extra must not be above maximum.extra"
type TierQuota struct {
	// Default applies where a workspace asks for nothing.
	Default TierAmounts `json:"default,omitzero"`
	// Maximum is the most that a workspace may ask for. An empty field is no limit, but the default is the maximum of an
	// extra key without one.
	Maximum TierAmounts `json:"maximum,omitzero"`
	// PriorityClasses bound the pods of a priority class, by its name, within the quota. Each is a ResourceQuota
	// workspace-priority-NAME.
	// +kubebuilder:validation:MaxProperties=8
	// +kubebuilder:validation:XValidation:rule="self.all(c, c.size() <= 200 && c.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'))",message="a priority class is named by a DNS subdomain of at most 200 characters"
	// +kubebuilder:validation:XValidation:rule="self.all(c, self[c].?cpu.hasValue() || self[c].?memory.hasValue() || self[c].?gpu.hasValue() || self[c].?pods.hasValue())",message="a priority class needs an amount"
	PriorityClasses map[string]PodAmounts `json:"priorityClasses,omitempty"`
}

// PodAmounts are what the pods of a priority class may use together: Kubernetes counts nothing else by priority class.
type PodAmounts struct {
	// CPU in cores, of requests and of limits.
	CPU Quantity `json:"cpu,omitempty"`
	// Memory in bytes, of requests and of limits.
	Memory Quantity `json:"memory,omitempty"`
	// GPU counts the tier's GPU resource.
	GPU Count `json:"gpu,omitempty"`
	// Pods that have not finished.
	Pods Count `json:"pods,omitempty"`
}

// TierAmounts are a quota, and counts that a workspace can't ask for itself.
type TierAmounts struct {
	Quota `json:",inline"`
	// Services of the namespace.
	Services Count `json:"services,omitempty"`
	// PersistentVolumeClaims of the namespace.
	PersistentVolumeClaims Count `json:"persistentVolumeClaims,omitempty"`
}

// ExtraAmounts are amounts by ResourceQuota key. A key must be one that Kubernetes accepts in a ResourceQuota and that no other
// field sets.
//
// +kubebuilder:validation:MaxProperties=48
// +kubebuilder:validation:XValidation:rule="self.all(k, k in ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory', 'requests.storage', 'pods', 'services', 'persistentvolumeclaims', 'services.loadbalancers', 'services.nodeports'] || k in ['ephemeral-storage', 'requests.ephemeral-storage', 'limits.ephemeral-storage', 'configmaps', 'secrets', 'replicationcontrollers', 'resourcequotas'] || k.matches('^(requests[.])?hugepages-[A-Za-z0-9]([-A-Za-z0-9_.]{0,30}[A-Za-z0-9])?$') || k.indexOf('/') <= 253 && k.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="extra keys must be keys of a ResourceQuota, such as count/configmaps or requests.ephemeral-storage"
// +kubebuilder:validation:XValidation:rule="self.all(k, !(k in ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory', 'requests.storage', 'pods', 'services', 'persistentvolumeclaims', 'services.loadbalancers', 'services.nodeports']))",message="cpu, memory, storage, pods, services and persistentVolumeClaims have fields of their own, and load balancers and node ports are always 0"
// +kubebuilder:validation:XValidation:rule="self.all(k, !(k in ['resourcequotas', 'count/resourcequotas', 'count/limitranges', 'count/serviceaccounts', 'count/podtemplates', 'count/rolebindings.rbac.authorization.k8s.io', 'count/networkpolicies.networking.k8s.io']))",message="the service makes these objects itself: don't count them"
// +kubebuilder:validation:XValidation:rule="self.all(k, !(k in ['count/events', 'count/events.events.k8s.io']))",message="Kubernetes does not count Events"
// +kubebuilder:validation:XValidation:rule="self.all(k, !isQuantity(self[k]) || quantity(self[k]).isInteger() || self[k].matches('^[0-9]{1,9}(k|Ki|[MGTP]i?)?$'))",message="extra amounts must be whole numbers, such as 100 or 10Gi"
// +kubebuilder:validation:XValidation:rule="self.all(k, !(k in ['configmaps', 'count/configmaps']) || !isQuantity(self[k]) || quantity(self[k]).compareTo(quantity('2')) >= 0)",message="every namespace needs 2 ConfigMaps: workspace-config and kube-root-ca.crt"
// +kubebuilder:validation:XValidation:rule="self.all(k, !(k in ['secrets', 'count/secrets']) || !isQuantity(self[k]) || quantity(self[k]).compareTo(quantity('1')) >= 0)",message="every namespace needs room for 1 Secret: workspace-pull-secret"
type ExtraAmounts map[string]Quantity

// QuotaScope says what a quota applies to.
// +kubebuilder:validation:Enum=namespace;workspace
type QuotaScope string

// The scopes of a quota.
const (
	QuotaScopeNamespace QuotaScope = "namespace"
	QuotaScopeWorkspace QuotaScope = "workspace"
)

// TierDomain is what differs in the namespace of a Flyte domain.
type TierDomain struct {
	// Share is the weight of this domain in a quota that all domains share (quotaScope workspace), 1 by default.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	Share *int32 `json:"share,omitempty"`
	// Quota overrides the tier's, key by key. A maximum above the tier's has no effect.
	Quota TierQuota `json:"quota,omitzero"`
}
