package kueue

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ClusterQueue is a pool of quota that admits workloads of several namespaces.
//
// +kubebuilder:object:root=true
type ClusterQueue struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ClusterQueueSpec   `json:"spec,omitzero"`
	Status ClusterQueueStatus `json:"status,omitzero"`
}

// ClusterQueueList is a list of ClusterQueues.
//
// +kubebuilder:object:root=true
type ClusterQueueList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ClusterQueue `json:"items"`
}

// ClusterQueueSpec is the spec of a ClusterQueue.
type ClusterQueueSpec struct {
	ResourceGroups          []ResourceGroup          `json:"resourceGroups,omitempty"`
	CohortName              string                   `json:"cohortName,omitempty"`
	QueueingStrategy        string                   `json:"queueingStrategy,omitempty"`
	NamespaceSelector       *metav1.LabelSelector    `json:"namespaceSelector,omitempty"`
	FlavorFungibility       *FlavorFungibility       `json:"flavorFungibility,omitempty"`
	Preemption              *Preemption              `json:"preemption,omitempty"`
	AdmissionChecksStrategy *AdmissionChecksStrategy `json:"admissionChecksStrategy,omitempty"`
	StopPolicy              StopPolicy               `json:"stopPolicy,omitempty"`
	FairSharing             *FairSharing             `json:"fairSharing,omitempty"`
	AdmissionScope          *AdmissionScope          `json:"admissionScope,omitempty"`
}

// ResourceGroup is a group of resources, and the flavors that have them.
type ResourceGroup struct {
	CoveredResources []corev1.ResourceName `json:"coveredResources"`
	Flavors          []FlavorQuotas        `json:"flavors"`
}

// FlavorQuotas are the quotas of a ResourceFlavor.
type FlavorQuotas struct {
	Name      string          `json:"name"`
	Resources []ResourceQuota `json:"resources"`
}

// ResourceQuota is the quota of one resource.
type ResourceQuota struct {
	Name           corev1.ResourceName `json:"name"`
	NominalQuota   resource.Quantity   `json:"nominalQuota"`
	BorrowingLimit *resource.Quantity  `json:"borrowingLimit,omitempty"`
	LendingLimit   *resource.Quantity  `json:"lendingLimit,omitempty"`
}

// StopPolicy says whether a queue admits workloads.
type StopPolicy string

// The stop policies that the service uses. It never uses HoldAndDrain, which deletes running pods.
const (
	// StopNone admits workloads.
	StopNone StopPolicy = "None"
	// StopHold admits nothing new, and lets what runs finish.
	StopHold StopPolicy = "Hold"
)

// FlavorFungibility says when the next flavor is tried.
type FlavorFungibility struct {
	WhenCanBorrow  string  `json:"whenCanBorrow,omitempty"`
	WhenCanPreempt string  `json:"whenCanPreempt,omitempty"`
	Preference     *string `json:"preference,omitempty"`
}

// Preemption says which admitted workloads make room for pending ones.
type Preemption struct {
	ReclaimWithinCohort string              `json:"reclaimWithinCohort,omitempty"`
	BorrowWithinCohort  *BorrowWithinCohort `json:"borrowWithinCohort,omitempty"`
	WithinClusterQueue  string              `json:"withinClusterQueue,omitempty"`
}

// BorrowWithinCohort is the preemption by workloads that borrow.
type BorrowWithinCohort struct {
	Policy               string `json:"policy,omitempty"`
	MaxPriorityThreshold *int32 `json:"maxPriorityThreshold,omitempty"`
}

// AdmissionChecksStrategy are the checks before a workload is admitted.
type AdmissionChecksStrategy struct {
	AdmissionChecks []AdmissionCheck `json:"admissionChecks,omitempty"`
}

// AdmissionCheck is a check, and the flavors that it applies to.
type AdmissionCheck struct {
	Name      string   `json:"name"`
	OnFlavors []string `json:"onFlavors,omitempty"`
}

// FairSharing is the weight of a queue.
type FairSharing struct {
	Weight *resource.Quantity `json:"weight,omitempty"`
}

// AdmissionScope says by what the LocalQueues of a ClusterQueue share it.
type AdmissionScope struct {
	AdmissionMode string `json:"admissionMode"`
}

// ClusterQueueStatus is the status of a ClusterQueue.
type ClusterQueueStatus struct {
	QueueStatus `json:",inline"`
}

// QueueStatus is what both kinds of queues report.
type QueueStatus struct {
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
	FlavorsReservation []FlavorUsage      `json:"flavorsReservation,omitempty"`
	FlavorsUsage       []FlavorUsage      `json:"flavorsUsage,omitempty"`
	PendingWorkloads   int32              `json:"pendingWorkloads"`
	ReservingWorkloads int32              `json:"reservingWorkloads"`
	AdmittedWorkloads  int32              `json:"admittedWorkloads"`
}

// FlavorUsage is what workloads use of a ResourceFlavor.
type FlavorUsage struct {
	Name      string          `json:"name"`
	Resources []ResourceUsage `json:"resources,omitempty"`
}

// ResourceUsage is what workloads use of a resource. LocalQueues don't say what is borrowed.
type ResourceUsage struct {
	Name     corev1.ResourceName `json:"name"`
	Total    resource.Quantity   `json:"total,omitzero"`
	Borrowed resource.Quantity   `json:"borrowed,omitzero"`
}

// ConditionActive is the condition of both kinds of queues that they admit workloads.
const ConditionActive = "Active"
