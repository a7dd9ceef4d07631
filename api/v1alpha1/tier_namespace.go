package v1alpha1

// PodSecurity names a Pod Security Standard for each mode of Pod Security Admission.
type PodSecurity struct {
	// Enforce refuses pods. Flyte's pods have no security context unless propeller adds one, and "restricted" refuses
	// them.
	// +kubebuilder:default=baseline
	Enforce PodSecurityLevel `json:"enforce,omitempty"`
	// Warn answers kubectl with a warning.
	// +kubebuilder:default=restricted
	Warn PodSecurityLevel `json:"warn,omitempty"`
	// Audit records it in the audit log.
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

// TierNamespace holds labels and annotations of the namespaces. Keys under kubernetes.io, k8s.io,
// platform.company.com, argoproj.io and fluxcd.io are reserved.
type TierNamespace struct {
	// Labels of every namespace. Policies may select namespaces by them.
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.indexOf('/') <= 253 && k.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="label keys must have Kubernetes label syntax"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.matches('^([^/]*[.])?(kubernetes[.]io|k8s[.]io|platform[.]company[.]com|argoproj[.]io|fluxcd[.]io)/'))",message="label keys under kubernetes.io, k8s.io, platform.company.com, argoproj.io and fluxcd.io are reserved; podSecurity sets the Pod Security Standard"
	Labels map[string]LabelValue `json:"labels,omitempty"`
	// Annotations of every namespace; {workspace}, {domain} and {namespace} are replaced.
	Annotations Annotations `json:"annotations,omitempty"`
	// WorkspaceLabels are keys of a workspace's spec.labels that its namespaces get too, unless Labels has the same
	// key. There are none by default: a workspace's labels come from outside the platform team.
	// +listType=set
	// +kubebuilder:validation:MaxItems=14
	// +kubebuilder:validation:items:MaxLength=317
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.indexOf('/') <= 253 && k.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="label keys must have Kubernetes label syntax"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.matches('^([^/]*[.])?(kubernetes[.]io|k8s[.]io|platform[.]company[.]com|argoproj[.]io|fluxcd[.]io)/'))",message="label keys under kubernetes.io, k8s.io, platform.company.com, argoproj.io and fluxcd.io are reserved"
	WorkspaceLabels []string `json:"workspaceLabels,omitempty"`
}

// TierServiceAccount holds annotations of the ServiceAccount flyte-workload.
type TierServiceAccount struct {
	// Annotations of the ServiceAccount; {workspace}, {domain} and {namespace} are replaced. Clouds take the identity
	// of pods from them: eks.amazonaws.com/role-arn, iam.gke.io/gcp-service-account, azure.workload.identity/client-id.
	Annotations Annotations `json:"annotations,omitempty"`
}

// Annotations by key. In values, {workspace}, {domain} and {namespace} are replaced by the workspace's id, the Flyte
// domain and the namespace's name. {domain} needs {domain} in NAMESPACE_TEMPLATE; without it, the annotation is left
// out (reason TierInvalid).
//
// +kubebuilder:validation:MaxProperties=16
// +kubebuilder:validation:XValidation:rule="self.all(k, k.indexOf('/') <= 253 && k.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="annotation keys must have Kubernetes label syntax"
// +kubebuilder:validation:XValidation:rule="self.all(k, !k.matches('^([^/]*[.])?(kubernetes[.]io|k8s[.]io|platform[.]company[.]com|argoproj[.]io|fluxcd[.]io)/'))",message="annotation keys under kubernetes.io, k8s.io, platform.company.com, argoproj.io and fluxcd.io are reserved"
type Annotations map[string]AnnotationTemplate

// AnnotationTemplate is the value of an annotation. Braces are for placeholders only.
// +kubebuilder:validation:MaxLength=1024
// +kubebuilder:validation:Pattern=`^([^\x00-\x1f\x7f-\x9f\x{61c}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}{}]|[{](workspace|domain|namespace)[}])*$`
type AnnotationTemplate string
