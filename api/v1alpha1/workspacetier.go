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
type WorkspaceTierSpec struct {
	// Quota is how much each namespace of a workspace gets, and may ask for.
	// +optional
	Quota TierQuota `json:"quota,omitzero"`
	// GPUResource is the extended resource that a quota's gpu counts.
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
	PodSecurity PodSecurity `json:"podSecurity,omitzero"`
}

// TierQuota is a tier's default and maximum quota.
type TierQuota struct {
	// Default holds where a workspace asks for nothing.
	// +optional
	Default Quota `json:"default,omitzero"`
	// Maximum bounds what a workspace may ask for. An empty field is no bound.
	// +optional
	Maximum Quota `json:"maximum,omitzero"`
}

// LimitRange bounds one container, as in a Kubernetes LimitRange of type Container.
type LimitRange struct {
	// Default limits of a container that has none.
	// +optional
	Default ComputeResources `json:"default,omitzero"`
	// DefaultRequest is the request of a container that has none.
	// +optional
	DefaultRequest ComputeResources `json:"defaultRequest,omitzero"`
	// Min is the least a container may request.
	// +optional
	Min ComputeResources `json:"min,omitzero"`
	// Max is the most a container may have as its limit.
	// +optional
	Max ComputeResources `json:"max,omitzero"`
}

// ComputeResources are amounts of CPU and memory.
type ComputeResources struct {
	// +optional
	CPU Quantity `json:"cpu,omitempty"`
	// +optional
	Memory Quantity `json:"memory,omitempty"`
}

// PodSecurity names a Pod Security Standard for each mode of Pod Security Admission.
type PodSecurity struct {
	// Enforce refuses pods. Flyte's pods carry no security context unless propeller is told to add one, and
	// "restricted" refuses those.
	// +optional
	// +kubebuilder:default=baseline
	Enforce PodSecurityLevel `json:"enforce,omitempty"`
	// Warn answers kubectl with a warning.
	// +optional
	// +kubebuilder:default=restricted
	Warn PodSecurityLevel `json:"warn,omitempty"`
	// Audit notes it in the audit log.
	// +optional
	// +kubebuilder:default=restricted
	Audit PodSecurityLevel `json:"audit,omitempty"`
}

// PodSecurityLevel is a Pod Security Standard.
// +kubebuilder:validation:Enum=privileged;baseline;restricted
type PodSecurityLevel string

// The Pod Security Standards.
const (
	PodSecurityPrivileged PodSecurityLevel = "privileged"
	PodSecurityBaseline   PodSecurityLevel = "baseline"
	PodSecurityRestricted PodSecurityLevel = "restricted"
)

// WorkspaceTierList is a list of WorkspaceTiers.
//
// +kubebuilder:object:root=true
type WorkspaceTierList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []WorkspaceTier `json:"items"`
}
