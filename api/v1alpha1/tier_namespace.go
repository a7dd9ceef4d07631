package v1alpha1

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

// TierNamespace is what the namespaces carry beside the service's own labels. No key may be under kubernetes.io, k8s.io
// or platform.company.com: those confine the workspace, or are the service's.
type TierNamespace struct {
	// Labels of every namespace. Labels steer policies: each is as strong as what selects it.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.indexOf('/') <= 253 && k.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="label keys must have Kubernetes label syntax"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.matches('^([^/]*[.])?(kubernetes[.]io|k8s[.]io|platform[.]company[.]com)/'))",message="label keys under kubernetes.io, k8s.io and platform.company.com are reserved; podSecurity sets the Pod Security Standard"
	Labels map[string]LabelValue `json:"labels,omitempty"`
	// Annotations of every namespace, with {workspace}, {domain} and {namespace} filled in.
	// +optional
	Annotations Annotations `json:"annotations,omitempty"`
	// WorkspaceLabels are the keys of those labels of a workspace (spec.labels) that are put on its namespaces, too,
	// unless Labels has the same key. None are by default: a workspace's labels come from outside the platform team.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=14
	// +kubebuilder:validation:items:MaxLength=317
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.indexOf('/') <= 253 && k.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="label keys must have Kubernetes label syntax"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.matches('^([^/]*[.])?(kubernetes[.]io|k8s[.]io|platform[.]company[.]com)/'))",message="label keys under kubernetes.io, k8s.io and platform.company.com are reserved"
	WorkspaceLabels []string `json:"workspaceLabels,omitempty"`
}

// TierServiceAccount is what the workload's ServiceAccount carries.
type TierServiceAccount struct {
	// Annotations of the ServiceAccount, with {workspace}, {domain} and {namespace} filled in. Clouds read from them
	// which identity the pods get: eks.amazonaws.com/role-arn, iam.gke.io/gcp-service-account,
	// azure.workload.identity/client-id.
	// +optional
	Annotations Annotations `json:"annotations,omitempty"`
}

// Annotations by key. In the values {workspace}, {domain} and {namespace} stand for the id of the workspace, the Flyte
// domain and the name of the namespace, which are DNS labels. {domain} needs a NAMESPACE_TEMPLATE with {domain} in it:
// without, the annotation is left out, and a condition says TierInvalid.
//
// +kubebuilder:validation:MaxProperties=16
// +kubebuilder:validation:XValidation:rule="self.all(k, k.indexOf('/') <= 253 && k.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="annotation keys must have Kubernetes label syntax"
// +kubebuilder:validation:XValidation:rule="self.all(k, !k.matches('^([^/]*[.])?(kubernetes[.]io|k8s[.]io|platform[.]company[.]com)/'))",message="annotation keys under kubernetes.io, k8s.io and platform.company.com are reserved"
type Annotations map[string]AnnotationTemplate

// AnnotationTemplate is the value of an annotation. Braces are for placeholders only.
// +kubebuilder:validation:MaxLength=1024
// +kubebuilder:validation:Pattern=`^([^\x00-\x1f\x7f-\x9f\x{61c}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}{}]|[{](workspace|domain|namespace)[}])*$`
type AnnotationTemplate string
