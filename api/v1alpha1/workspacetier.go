package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// DefaultTier is the tier of a workspace that names none.
const DefaultTier = "standard"

// WorkspaceTier says what workspaces on it get and may ask for. The platform team owns it; the service only reads it. A
// change reaches every workspace on it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=wst,categories=platform
// +kubebuilder:printcolumn:name="CPU",type=string,JSONPath=`.spec.quota.default.cpu`
// +kubebuilder:printcolumn:name="Memory",type=string,JSONPath=`.spec.quota.default.memory`
// +kubebuilder:printcolumn:name="GPU",type=string,JSONPath=`.spec.quota.default.gpu`
// +kubebuilder:printcolumn:name="PodSecurity",type=string,JSONPath=`.spec.podSecurity.enforce`
// +kubebuilder:printcolumn:name="Workspaces",type=integer,JSONPath=`.status.workspaces`
// +kubebuilder:printcolumn:name="Conforming",type=integer,JSONPath=`.status.conforming`
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].status`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type WorkspaceTier struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +kubebuilder:default={}
	Spec   WorkspaceTierSpec   `json:"spec"`
	Status WorkspaceTierStatus `json:"status,omitzero"`
}

// WorkspaceTierSpec is what a tier gives and allows.
//
// +kubebuilder:validation:XValidation:rule="!self.?flyte.taskResources.limits.cpu.hasValue() || !self.?quota.default.cpu.hasValue() || quantity(self.flyte.taskResources.limits.cpu).isLessThan(quantity(self.quota.default.cpu))",message="flyte.taskResources.limits.cpu must be below the default quota: a task that asks for all of it fails for good"
// +kubebuilder:validation:XValidation:rule="!self.?flyte.taskResources.limits.cpu.hasValue() || !self.?limitRange.max.cpu.hasValue() || quantity(self.flyte.taskResources.limits.cpu).isLessThan(quantity(self.limitRange.max.cpu))",message="flyte.taskResources.limits.cpu must be below the maximum of the limit range: a task that asks for all of it fails for good"
// +kubebuilder:validation:XValidation:rule="!self.?flyte.taskResources.limits.memory.hasValue() || !self.?quota.default.memory.hasValue() || quantity(self.flyte.taskResources.limits.memory).isLessThan(quantity(self.quota.default.memory))",message="flyte.taskResources.limits.memory must be below the default quota: a task that asks for all of it fails for good"
// +kubebuilder:validation:XValidation:rule="!self.?flyte.taskResources.limits.memory.hasValue() || !self.?limitRange.max.memory.hasValue() || quantity(self.flyte.taskResources.limits.memory).isLessThan(quantity(self.limitRange.max.memory))",message="flyte.taskResources.limits.memory must be below the maximum of the limit range: a task that asks for all of it fails for good"
// +kubebuilder:validation:XValidation:rule="!self.?limitRange.min.cpu.hasValue() || !self.?quota.default.cpu.hasValue() || quantity(self.quota.default.cpu).compareTo(quantity('0')) <= 0 || quantity(self.limitRange.min.cpu).compareTo(quantity(self.quota.default.cpu)) <= 0",message="limitRange.min.cpu must not be above quota.default.cpu: a container could have nothing"
// +kubebuilder:validation:XValidation:rule="!self.?limitRange.min.cpu.hasValue() || !self.?quota.maximum.cpu.hasValue() || quantity(self.quota.maximum.cpu).compareTo(quantity('0')) <= 0 || quantity(self.limitRange.min.cpu).compareTo(quantity(self.quota.maximum.cpu)) <= 0",message="limitRange.min.cpu must not be above quota.maximum.cpu: a container could have nothing"
// +kubebuilder:validation:XValidation:rule="!self.?limitRange.defaultRequest.cpu.hasValue() || !self.?quota.default.cpu.hasValue() || quantity(self.quota.default.cpu).compareTo(quantity('0')) <= 0 || quantity(self.limitRange.defaultRequest.cpu).compareTo(quantity(self.quota.default.cpu)) <= 0",message="limitRange.defaultRequest.cpu must not be above quota.default.cpu: a container that names nothing would be refused"
// +kubebuilder:validation:XValidation:rule="!self.?limitRange.defaultRequest.cpu.hasValue() || !self.?quota.maximum.cpu.hasValue() || quantity(self.quota.maximum.cpu).compareTo(quantity('0')) <= 0 || quantity(self.limitRange.defaultRequest.cpu).compareTo(quantity(self.quota.maximum.cpu)) <= 0",message="limitRange.defaultRequest.cpu must not be above quota.maximum.cpu: a container that names nothing would be refused"
// +kubebuilder:validation:XValidation:rule="!self.?limitRange.default.cpu.hasValue() || !self.?quota.default.cpu.hasValue() || quantity(self.quota.default.cpu).compareTo(quantity('0')) <= 0 || quantity(self.limitRange.default.cpu).compareTo(quantity(self.quota.default.cpu)) <= 0",message="limitRange.default.cpu must not be above quota.default.cpu: a container that names nothing would be refused"
// +kubebuilder:validation:XValidation:rule="!self.?limitRange.default.cpu.hasValue() || !self.?quota.maximum.cpu.hasValue() || quantity(self.quota.maximum.cpu).compareTo(quantity('0')) <= 0 || quantity(self.limitRange.default.cpu).compareTo(quantity(self.quota.maximum.cpu)) <= 0",message="limitRange.default.cpu must not be above quota.maximum.cpu: a container that names nothing would be refused"
// +kubebuilder:validation:XValidation:rule="!self.?limitRange.min.cpu.hasValue() || !self.?domains.hasValue() || self.domains.all(d, (!self.domains[d].?quota.default.cpu.hasValue() || quantity(self.domains[d].quota.default.cpu).compareTo(quantity('0')) <= 0 || quantity(self.limitRange.min.cpu).compareTo(quantity(self.domains[d].quota.default.cpu)) <= 0) && (!self.domains[d].?quota.maximum.cpu.hasValue() || quantity(self.domains[d].quota.maximum.cpu).compareTo(quantity('0')) <= 0 || quantity(self.limitRange.min.cpu).compareTo(quantity(self.domains[d].quota.maximum.cpu)) <= 0))",message="limitRange.min.cpu must not be above a domain's quota: a container could have nothing"
// +kubebuilder:validation:XValidation:rule="!self.?limitRange.min.memory.hasValue() || !self.?quota.default.memory.hasValue() || quantity(self.quota.default.memory).compareTo(quantity('0')) <= 0 || quantity(self.limitRange.min.memory).compareTo(quantity(self.quota.default.memory)) <= 0",message="limitRange.min.memory must not be above quota.default.memory: a container could have nothing"
// +kubebuilder:validation:XValidation:rule="!self.?limitRange.min.memory.hasValue() || !self.?quota.maximum.memory.hasValue() || quantity(self.quota.maximum.memory).compareTo(quantity('0')) <= 0 || quantity(self.limitRange.min.memory).compareTo(quantity(self.quota.maximum.memory)) <= 0",message="limitRange.min.memory must not be above quota.maximum.memory: a container could have nothing"
// +kubebuilder:validation:XValidation:rule="!self.?limitRange.defaultRequest.memory.hasValue() || !self.?quota.default.memory.hasValue() || quantity(self.quota.default.memory).compareTo(quantity('0')) <= 0 || quantity(self.limitRange.defaultRequest.memory).compareTo(quantity(self.quota.default.memory)) <= 0",message="limitRange.defaultRequest.memory must not be above quota.default.memory: a container that names nothing would be refused"
// +kubebuilder:validation:XValidation:rule="!self.?limitRange.defaultRequest.memory.hasValue() || !self.?quota.maximum.memory.hasValue() || quantity(self.quota.maximum.memory).compareTo(quantity('0')) <= 0 || quantity(self.limitRange.defaultRequest.memory).compareTo(quantity(self.quota.maximum.memory)) <= 0",message="limitRange.defaultRequest.memory must not be above quota.maximum.memory: a container that names nothing would be refused"
// +kubebuilder:validation:XValidation:rule="!self.?limitRange.default.memory.hasValue() || !self.?quota.default.memory.hasValue() || quantity(self.quota.default.memory).compareTo(quantity('0')) <= 0 || quantity(self.limitRange.default.memory).compareTo(quantity(self.quota.default.memory)) <= 0",message="limitRange.default.memory must not be above quota.default.memory: a container that names nothing would be refused"
// +kubebuilder:validation:XValidation:rule="!self.?limitRange.default.memory.hasValue() || !self.?quota.maximum.memory.hasValue() || quantity(self.quota.maximum.memory).compareTo(quantity('0')) <= 0 || quantity(self.limitRange.default.memory).compareTo(quantity(self.quota.maximum.memory)) <= 0",message="limitRange.default.memory must not be above quota.maximum.memory: a container that names nothing would be refused"
// +kubebuilder:validation:XValidation:rule="!self.?limitRange.min.memory.hasValue() || !self.?domains.hasValue() || self.domains.all(d, (!self.domains[d].?quota.default.memory.hasValue() || quantity(self.domains[d].quota.default.memory).compareTo(quantity('0')) <= 0 || quantity(self.limitRange.min.memory).compareTo(quantity(self.domains[d].quota.default.memory)) <= 0) && (!self.domains[d].?quota.maximum.memory.hasValue() || quantity(self.domains[d].quota.maximum.memory).compareTo(quantity('0')) <= 0 || quantity(self.limitRange.min.memory).compareTo(quantity(self.domains[d].quota.maximum.memory)) <= 0))",message="limitRange.min.memory must not be above a domain's quota: a container could have nothing"
// +kubebuilder:validation:XValidation:rule="!self.?limitRange.min.ephemeralStorage.hasValue() || !self.?quota.default.extra.hasValue() || !('requests.ephemeral-storage' in self.quota.default.extra) || quantity(self.quota.default.extra['requests.ephemeral-storage']).compareTo(quantity('0')) <= 0 || quantity(self.limitRange.min.ephemeralStorage).compareTo(quantity(self.quota.default.extra['requests.ephemeral-storage'])) <= 0",message="limitRange.min.ephemeralStorage must not be above the requests.ephemeral-storage of the default quota: a container could have nothing"
// +kubebuilder:validation:XValidation:rule="!self.?limitRange.min.ephemeralStorage.hasValue() || !self.?quota.default.extra.hasValue() || !('limits.ephemeral-storage' in self.quota.default.extra) || quantity(self.quota.default.extra['limits.ephemeral-storage']).compareTo(quantity('0')) <= 0 || quantity(self.limitRange.min.ephemeralStorage).compareTo(quantity(self.quota.default.extra['limits.ephemeral-storage'])) <= 0",message="limitRange.min.ephemeralStorage must not be above the limits.ephemeral-storage of the default quota: a container could have nothing"
// +kubebuilder:validation:XValidation:rule="!self.?quota.default.extra.hasValue() || self.quota.default.extra.all(k, k != 'requests.' + self.gpuResource)",message="quota.default.gpu is the field of the tier's gpuResource"
// +kubebuilder:validation:XValidation:rule="!self.?quota.maximum.extra.hasValue() || self.quota.maximum.extra.all(k, k != 'requests.' + self.gpuResource)",message="quota.maximum.gpu is the field of the tier's gpuResource"
// +kubebuilder:validation:XValidation:rule="!self.?network.rayOperator.hasValue() || self.?workload.role == optional.of('ray')",message="network.rayOperator is for workload.role ray: without it, the operator is let in nowhere"
// +kubebuilder:validation:XValidation:rule="!has(self.domains) || self.?quotaScope.orValue('namespace') != 'workspace' || self.domains.all(d, !has(self.domains[d].quota))",message="domains that share the workspace's quota have no quota of their own, only a share"
// +kubebuilder:validation:XValidation:rule="!self.?queue.hasValue() || self.queue.mode != 'own' || (self.?quota.default.cpu.hasValue() || self.?quota.maximum.cpu.hasValue()) && (self.?quota.default.memory.hasValue() || self.?quota.maximum.memory.hasValue())",message="queue.mode own needs amounts of cpu and memory in quota.default or quota.maximum: a queue admits no resource without an amount"
// +kubebuilder:validation:XValidation:rule="!self.?queue.hasValue() || self.?limitRange.maxLimitRequestRatio.cpu.hasValue() && self.?limitRange.maxLimitRequestRatio.memory.hasValue()",message="queue needs limitRange.maxLimitRequestRatio of cpu and memory: Kueue counts requests, and nothing else bounds limits"
// +kubebuilder:validation:XValidation:rule="!has(self.domains) || self.?quotaScope.orValue('namespace') == 'workspace' || self.domains.all(d, !has(self.domains[d].share))",message="a share needs quotaScope workspace"
type WorkspaceTierSpec struct {
	// AllowedWorkspaces are patterns of workspace ids that may use the tier, such as "fraud-*"; * matches any
	// characters. Without patterns, every workspace may.
	// +listType=set
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9*]([-a-z0-9*]*[a-z0-9*])?$`
	AllowedWorkspaces []string `json:"allowedWorkspaces,omitempty"`
	// QuotaScope says whether each namespace of a workspace gets the quota (namespace, the default), or whether they share
	// it by the weights of their domains (workspace).
	QuotaScope QuotaScope `json:"quotaScope,omitempty"`
	// Quota is how much each namespace of a workspace gets and may ask for.
	// +structType=atomic
	Quota TierQuota `json:"quota,omitzero"`
	// Domains override the quota in the namespace of a Flyte domain, by the domain's name. They need {domain} in
	// NAMESPACE_TEMPLATE; without it, they are ignored (reason DomainIgnored).
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(d, d.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'))",message="a domain is named by a DNS label"
	// +mapType=atomic
	Domains map[string]TierDomain `json:"domains,omitempty"`
	// GPUResource is the extended resource that gpu counts. Others have a limit only in quota.default.extra.
	// +kubebuilder:default="nvidia.com/gpu"
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="!self.contains('kubernetes.io/') && !self.startsWith('requests.')",message="must be an extended resource: not under kubernetes.io, and not starting with requests."
	GPUResource string `json:"gpuResource,omitempty"`
	// DenyOtherDevices refuses pods that ask for an extended resource which the tier doesn't name: as gpuResource, or with
	// an amount in quota. The chart's policies for tenants enforce it.
	DenyOtherDevices bool `json:"denyOtherDevices,omitempty"`
	// LimitRange bounds each container.
	// +structType=atomic
	LimitRange LimitRange `json:"limitRange,omitzero"`
	// PodSecurity sets the Pod Security Standards of the namespaces.
	// +kubebuilder:default={}
	// +structType=atomic
	PodSecurity PodSecurity `json:"podSecurity,omitzero"`
	// Namespace holds labels and annotations of the namespaces for other programs.
	// +structType=atomic
	Namespace TierNamespace `json:"namespace,omitzero"`
	// ServiceAccount is the ServiceAccount flyte-workload, which pipelines run as.
	// +structType=atomic
	ServiceAccount TierServiceAccount `json:"serviceAccount,omitzero"`
	// Workload is what else pipelines need: rights, pull secrets, a pod template.
	// +structType=atomic
	Workload TierWorkload `json:"workload,omitzero"`
	// Network opens connections beyond those of every workspace, in the NetworkPolicy workspace-isolation.
	// +structType=atomic
	Network TierNetwork `json:"network,omitzero"`
	// Queue has Kueue queue what is above the quota, instead of refusing it. See docs/tiers.md#queues.
	// +structType=atomic
	Queue *TierQueue `json:"queue,omitempty"`
	// Objects are objects of the platform team's own that each namespace has.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(a, self.exists_one(b, a.apiVersion == b.apiVersion && a.kind == b.kind && a.metadata.name == b.metadata.name))",message="two templates of one kind need different names"
	Objects []TierObject `json:"objects,omitempty"`
	// Flyte sets attributes of the tier's Flyte projects.
	// +structType=atomic
	Flyte TierFlyte `json:"flyte,omitzero"`
}

// WorkspaceTierList is a list of WorkspaceTiers.
//
// +kubebuilder:object:root=true
type WorkspaceTierList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []WorkspaceTier `json:"items"`
}
