package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// DeletionPolicy says what happens to a workspace whose state is Deleted.
// +kubebuilder:validation:Enum=Archive;Delete
type DeletionPolicy string

// The deletion policies. With both, a deleted workspace is locked and archived at once.
const (
	// DeletionArchive removes nothing.
	DeletionArchive DeletionPolicy = "Archive"
	// DeletionDelete removes the namespaces when the grace period has ended.
	DeletionDelete DeletionPolicy = "Delete"
)

// AnnotationReleasePurge on a Workspace lets its purge start although the guard against mass deletion has paused it.
// Its value must be status.deletion.purgeAt, so that it applies to one deletion only.
const AnnotationReleasePurge = "platform.company.com/release-purge"

// WorkspaceDeletion is what a deletion removes, and when. A running countdown never gets shorter. Restoring the
// workspace before PurgeStartedAt keeps everything; afterwards everything is recreated empty.
type WorkspaceDeletion struct {
	// Policy that applies to this workspace.
	Policy DeletionPolicy `json:"policy"`
	// RequestedAt is when the service learned of the deletion.
	RequestedAt metav1.Time `json:"requestedAt"`
	// StateVersion is the version of the deletion. A newer deletion starts its own countdown.
	StateVersion int64 `json:"stateVersion,omitempty"`
	// PurgeAt is when the removal of Namespaces starts. It is absent if nothing will be removed.
	PurgeAt *metav1.Time `json:"purgeAt,omitempty"`
	// Namespaces are what will be removed, by name and UID. No other namespace is removed, nor one recreated under such
	// a name.
	// +listType=atomic
	Namespaces []NamespaceReference `json:"namespaces,omitempty"`
	// PurgeStartedAt is when the removal started. From then on it can't be stopped.
	PurgeStartedAt *metav1.Time `json:"purgeStartedAt,omitempty"`
	// PurgedAt is when the last namespace was gone. The Workspace is then a tombstone, which keeps late events stale.
	PurgedAt *metav1.Time `json:"purgedAt,omitempty"`
	// ExpiresAt is when the tombstone itself is removed.
	ExpiresAt *metav1.Time `json:"expiresAt,omitempty"`
}

// NamespaceReference identifies one namespace.
type NamespaceReference struct {
	Name string    `json:"name"`
	UID  types.UID `json:"uid"`
}

// Purging reports whether the namespaces of w are being removed.
func (w *Workspace) Purging() bool {
	d := w.Status.Deletion
	return d != nil && d.PurgeStartedAt != nil && d.PurgedAt == nil
}

// Tombstone reports whether only the Workspace itself is left of w.
func (w *Workspace) Tombstone() bool {
	d := w.Status.Deletion
	return d != nil && d.PurgedAt != nil && w.Spec.State == StateDeleted
}
