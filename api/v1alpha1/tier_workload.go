package v1alpha1

import corev1 "k8s.io/api/core/v1"

// TierWorkload is what pipelines need besides a ServiceAccount.
type TierWorkload struct {
	// Role is a framework whose driver starts pods itself. It grants flyte-workload the chart's ClusterRole
	// workspace-flyte-integration-workload-ROLE in its own namespace. Without it the account has no rights.
	Role WorkloadRole `json:"role,omitempty"`
	// ImagePullSecrets name Secrets of type kubernetes.io/dockerconfigjson in PULL_SECRETS_NAMESPACE. They are merged
	// into the Secret workspace-pull-secret, which flyte-workload uses. If two name the same registry, the first wins.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	ImagePullSecrets []string `json:"imagePullSecrets,omitempty"`
	// PodTemplate becomes the PodTemplate workspace-pod-template. Propeller uses it if its default-pod-template-name
	// says so.
	PodTemplate *TierPodTemplate `json:"podTemplate,omitempty"`
}

// WorkloadRole is a framework whose driver talks to the API server.
// +kubebuilder:validation:Enum=spark;ray;dask
type WorkloadRole string

// The frameworks for which the chart has a ClusterRole.
const (
	WorkloadSpark WorkloadRole = "spark"
	WorkloadRay   WorkloadRole = "ray"
	WorkloadDask  WorkloadRole = "dask"
)

// TierPodTemplate is the part of a Kubernetes PodTemplate that a tier decides on.
type TierPodTemplate struct {
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.indexOf('/') <= 253 && k.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="label keys must have Kubernetes label syntax"
	Labels map[string]LabelValue `json:"labels,omitempty"`
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.indexOf('/') <= 253 && k.lowerAscii().matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="annotation keys must have Kubernetes label syntax"
	// +kubebuilder:validation:XValidation:rule="self.map(k, size(k) + size(self[k])).sum() <= 262144",message="annotations must not be larger than 256 KiB together"
	Annotations map[string]string `json:"annotations,omitempty"`
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.indexOf('/') <= 253 && k.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="label keys must have Kubernetes label syntax"
	NodeSelector map[string]LabelValue `json:"nodeSelector,omitempty"`
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Tolerations []Toleration `json:"tolerations,omitempty"`
	// PriorityClassName names a PriorityClass. Kubernetes' own are refused: their pods could displace the cluster's.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('system-')",message="priority classes that start with system- are Kubernetes' own"
	PriorityClassName string `json:"priorityClassName,omitempty"`
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	RuntimeClassName string `json:"runtimeClassName,omitempty"`
	// +kubebuilder:validation:MaxLength=253
	SchedulerName string `json:"schedulerName,omitempty"`
	// Restricted sets the security context that the Pod Security Standard "restricted" demands.
	Restricted bool `json:"restricted,omitempty"`
	// RunAsUser is the numeric user of the containers. Restricted pods need it if the image runs as root or names no
	// numeric user.
	// +kubebuilder:validation:Minimum=1
	RunAsUser *int64 `json:"runAsUser,omitempty"`
	// FSGroup owns the volumes of the pods.
	// +kubebuilder:validation:Minimum=1
	FSGroup *int64 `json:"fsGroup,omitempty"`
}

// Toleration is a Kubernetes Toleration, with Kubernetes' rules for pods.
//
// +kubebuilder:validation:XValidation:rule="has(self.key) && size(self.key) > 0 || has(self.operator) && self.operator == 'Exists'",message="operator must be Exists where key is empty, which matches all taints"
// +kubebuilder:validation:XValidation:rule="!has(self.operator) || self.operator != 'Exists' || !has(self.value) || size(self.value) == 0",message="value must be empty where operator is Exists"
// +kubebuilder:validation:XValidation:rule="!has(self.tolerationSeconds) || has(self.effect) && self.effect == 'NoExecute'",message="effect must be NoExecute where tolerationSeconds is set"
type Toleration struct {
	// Key of the taint; empty matches all taints.
	// +kubebuilder:validation:MaxLength=317
	// +kubebuilder:validation:XValidation:rule="size(self) == 0 || self.indexOf('/') <= 253 && self.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$')",message="must have Kubernetes label syntax"
	Key string `json:"key,omitempty"`
	// Operator compares key and value; Equal by default.
	// +kubebuilder:validation:Enum="";Equal;Exists
	Operator corev1.TolerationOperator `json:"operator,omitempty"`
	// Value of the taint.
	Value LabelValue `json:"value,omitempty"`
	// Effect of the taint; empty matches all effects.
	// +kubebuilder:validation:Enum="";NoSchedule;PreferNoSchedule;NoExecute
	Effect corev1.TaintEffect `json:"effect,omitempty"`
	// TolerationSeconds is how long a pod stays on a node that gets the taint; forever by default.
	TolerationSeconds *int64 `json:"tolerationSeconds,omitempty"`
}
