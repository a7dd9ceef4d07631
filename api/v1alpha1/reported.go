package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Reported is the newest report that the workspace service accepted.
type Reported struct {
	// Version is the highest version of the workspace that had taken effect.
	Version int64 `json:"version,omitempty"`
	// Status is ready, pending, failed, suspended or deleted.
	Status string `json:"status"`
	// Reason is that of the Ready condition.
	Reason string `json:"reason,omitempty"`
	// Digest is the hash of the report; a different hash means something newer to report.
	Digest string `json:"digest"`
	// Time is when the workspace service accepted it.
	Time metav1.Time `json:"time"`
}
