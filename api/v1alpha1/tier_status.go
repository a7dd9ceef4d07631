package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// The conditions of a WorkspaceTier.
const (
	// TierConditionAccepted: the tier can have its effect in this installation.
	TierConditionAccepted = "Accepted"
	// TierConditionRolledOut: all workspaces on the tier are as the newest generation of it wants them.
	TierConditionRolledOut = "RolledOut"
)

// The reasons of a tier's conditions, beside those of workspaces.
const (
	// ReasonAccepted: nothing of the tier is without effect.
	ReasonAccepted = "Accepted"
	// ReasonRollingOut: not all workspaces were reconciled with the newest generation yet.
	ReasonRollingOut = "RollingOut"
	// ReasonRolledOut: all workspaces are as the newest generation wants them.
	ReasonRolledOut = "RolledOut"
	// ReasonWorkspacesNotReady: all workspaces were reconciled with the newest generation, and some are not Ready.
	ReasonWorkspacesNotReady = "WorkspacesNotReady"
)

// WorkspaceTierStatus is the observed state of a tier. Only the service writes it.
type WorkspaceTierStatus struct {
	// ObservedGeneration is the generation of the spec that the numbers and conditions describe.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Workspaces is how many workspaces name the tier, without those in state Deleted.
	Workspaces int32 `json:"workspaces"`
	// Conforming is how many of them are Ready, and as this generation wants them.
	Conforming int32 `json:"conforming"`
	// Conditions are Accepted and RolledOut.
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
