package kueue

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// LocalQueue is the queue of a namespace. The one named DefaultQueue also takes workloads that name none.
//
// +kubebuilder:object:root=true
type LocalQueue struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   LocalQueueSpec   `json:"spec,omitzero"`
	Status LocalQueueStatus `json:"status,omitzero"`
}

// LocalQueueList is a list of LocalQueues.
//
// +kubebuilder:object:root=true
type LocalQueueList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []LocalQueue `json:"items"`
}

// LocalQueueSpec is the spec of a LocalQueue. The API server refuses to change ClusterQueue.
type LocalQueueSpec struct {
	ClusterQueue string       `json:"clusterQueue,omitempty"`
	StopPolicy   StopPolicy   `json:"stopPolicy,omitempty"`
	FairSharing  *FairSharing `json:"fairSharing,omitempty"`
}

// LocalQueueStatus is the status of a LocalQueue.
type LocalQueueStatus struct {
	QueueStatus `json:",inline"`
}

const (
	// DefaultQueue is the name of the LocalQueue that Kueue uses for workloads without QueueLabel.
	DefaultQueue = "default"
	// QueueLabel names the LocalQueue of a workload.
	QueueLabel = "kueue.x-k8s.io/queue-name"
)

// StatusOf is the status of a queue of either kind.
func StatusOf(queue any) *QueueStatus {
	switch q := queue.(type) {
	case *ClusterQueue:
		return &q.Status.QueueStatus
	case *LocalQueue:
		return &q.Status.QueueStatus
	}
	return &QueueStatus{}
}
