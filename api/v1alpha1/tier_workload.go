package v1alpha1

import corev1 "k8s.io/api/core/v1"

// TierWorkload is what pipelines need of the cluster beside an account to run as.
type TierWorkload struct {
	// Role is a framework whose driver starts pods by itself: its account may then do in its own namespace what the
	// ClusterRole workspace-flyte-integration-workload-ROLE of the chart says. Without it the account has no rights.
	// +optional
	Role WorkloadRole `json:"role,omitempty"`
	// ImagePullSecrets name Secrets of type kubernetes.io/dockerconfigjson in the management namespace. They are copied
	// into one Secret, workspace-pull-secret, which the account carries. Of two that speak of one registry, the first
	// holds. The service has to be configured for it (PULL_SECRETS_NAMESPACE).
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	ImagePullSecrets []string `json:"imagePullSecrets,omitempty"`
	// PodTemplate is what pods have in common: the PodTemplate workspace-pod-template, of which propeller makes pods where
	// its default-pod-template-name says so.
	// +optional
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
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	Labels map[string]LabelValue `json:"labels,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	Annotations map[string]string `json:"annotations,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	NodeSelector map[string]LabelValue `json:"nodeSelector,omitempty"`
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxLength=253
	PriorityClassName string `json:"priorityClassName,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxLength=253
	RuntimeClassName string `json:"runtimeClassName,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxLength=253
	SchedulerName string `json:"schedulerName,omitempty"`
	// Restricted gives pods and containers the security context that the Pod Security Standard "restricted" asks for.
	// +optional
	Restricted bool `json:"restricted,omitempty"`
	// RunAsUser is the numeric user of the containers. Restricted pods need one where the image names none, or root.
	// +optional
	// +kubebuilder:validation:Minimum=1
	RunAsUser *int64 `json:"runAsUser,omitempty"`
	// FSGroup owns the volumes of the pods.
	// +optional
	// +kubebuilder:validation:Minimum=1
	FSGroup *int64 `json:"fsGroup,omitempty"`
}
