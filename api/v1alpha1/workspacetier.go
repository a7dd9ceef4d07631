package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// DefaultTier is the tier of a workspace that names none.
const DefaultTier = "standard"

// WorkspaceTier is the policy of a tier. It belongs to the platform team: the service only reads it, and a change
// reaches every workspace on it.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName=wst,categories=platform
// +kubebuilder:printcolumn:name="CPU",type=string,JSONPath=`.spec.quota.default.cpu`
// +kubebuilder:printcolumn:name="Memory",type=string,JSONPath=`.spec.quota.default.memory`
// +kubebuilder:printcolumn:name="GPU",type=string,JSONPath=`.spec.quota.default.gpu`
// +kubebuilder:printcolumn:name="PodSecurity",type=string,JSONPath=`.spec.podSecurity.enforce`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type WorkspaceTier struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +required
	Spec WorkspaceTierSpec `json:"spec"`
}

// WorkspaceTierSpec is what a tier gives and allows.
//
// +kubebuilder:validation:XValidation:rule="!self.?flyte.taskResources.limits.cpu.hasValue() || !self.?quota.default.cpu.hasValue() || quantity(self.flyte.taskResources.limits.cpu).isLessThan(quantity(self.quota.default.cpu))",message="flyte.taskResources.limits.cpu must be below the default quota: a task that asks for all of it fails for good"
// +kubebuilder:validation:XValidation:rule="!self.?flyte.taskResources.limits.cpu.hasValue() || !self.?limitRange.max.cpu.hasValue() || quantity(self.flyte.taskResources.limits.cpu).isLessThan(quantity(self.limitRange.max.cpu))",message="flyte.taskResources.limits.cpu must be below the maximum of the limit range: a task that asks for all of it fails for good"
// +kubebuilder:validation:XValidation:rule="!self.?flyte.taskResources.limits.memory.hasValue() || !self.?quota.default.memory.hasValue() || quantity(self.flyte.taskResources.limits.memory).isLessThan(quantity(self.quota.default.memory))",message="flyte.taskResources.limits.memory must be below the default quota: a task that asks for all of it fails for good"
// +kubebuilder:validation:XValidation:rule="!self.?flyte.taskResources.limits.memory.hasValue() || !self.?limitRange.max.memory.hasValue() || quantity(self.flyte.taskResources.limits.memory).isLessThan(quantity(self.limitRange.max.memory))",message="flyte.taskResources.limits.memory must be below the maximum of the limit range: a task that asks for all of it fails for good"
type WorkspaceTierSpec struct {
	// AllowedWorkspaces are patterns of the workspace ids that may be on the tier, such as "fraud-*", where * stands
	// for any characters. With none, every workspace may.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9*]([-a-z0-9*]*[a-z0-9*])?$`
	AllowedWorkspaces []string `json:"allowedWorkspaces,omitempty"`
	// Quota is how much each namespace of a workspace gets, and may ask for.
	// +optional
	Quota TierQuota `json:"quota,omitzero"`
	// Domains override the quota in the namespace of one Flyte domain, by the domain's name. They need a
	// NAMESPACE_TEMPLATE with {domain} in it; without, QuotaApplied says that they are ignored.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(d, d.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'))",message="a domain is named by a DNS label"
	Domains map[string]TierDomain `json:"domains,omitempty"`
	// GPUResource is the extended resource that a quota's gpu counts. Others have no limit.
	// +optional
	// +kubebuilder:default="nvidia.com/gpu"
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`
	GPUResource string `json:"gpuResource,omitempty"`
	// LimitRange bounds one container.
	// +optional
	LimitRange LimitRange `json:"limitRange,omitzero"`
	// PodSecurity is the Pod Security Standard of the namespaces.
	// +optional
	// +kubebuilder:default={}
	PodSecurity PodSecurity `json:"podSecurity,omitzero"`
	// Namespace holds what the namespaces carry for other programs.
	// +optional
	Namespace TierNamespace `json:"namespace,omitzero"`
	// ServiceAccount is the account flyte-workload that pipelines run as.
	// +optional
	ServiceAccount TierServiceAccount `json:"serviceAccount,omitzero"`
	// Workload is what pipelines need beside an account.
	// +optional
	Workload TierWorkload `json:"workload,omitzero"`
	// Network opens more than every workspace has: the NetworkPolicy allow-tier.
	// +optional
	Network TierNetwork `json:"network,omitzero"`
	// Flyte is what the projects of the tier get in Flyte.
	// +optional
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
