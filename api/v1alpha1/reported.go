package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Reported is one report that the workspace service has taken.
type Reported struct {
	// Version is the highest version of the workspace that the report spoke of.
	// +optional
	Version int64 `json:"version,omitempty"`
	// Status is ready, pending, failed, suspended or deleted.
	Status string `json:"status"`
	// Reason is that of the Ready condition.
	// +optional
	Reason string `json:"reason,omitempty"`
	// Digest tells whether there is anything newer to report.
	Digest string `json:"digest"`
	// Time is when the workspace service took it.
	Time metav1.Time `json:"time"`
}
