package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// DeletionPolicy says what becomes of a workspace whose state is Deleted.
// +kubebuilder:validation:Enum=Archive;Delete
type DeletionPolicy string

// The deletion policies. With both, a deleted workspace is locked and archived at once.
const (
	// DeletionArchive removes nothing.
	DeletionArchive DeletionPolicy = "Archive"
	// DeletionDelete removes the namespaces when the grace period has ended.
	DeletionDelete DeletionPolicy = "Delete"
)

// AnnotationReleasePurge on a Workspace lets its purge begin although the brake on mass deletion holds. Its value must be
// status.deletion.purgeAt, so that it holds for one deletion and not for the next.
const AnnotationReleasePurge = "platform.company.com/release-purge"

// WorkspaceDeletion is what a deletion removes, and when. A countdown that has begun is never shortened. Restoring the
// workspace before PurgeStartedAt keeps everything; after it, everything is made anew, empty.
type WorkspaceDeletion struct {
	// Policy that holds for this workspace.
	Policy DeletionPolicy `json:"policy"`
	// RequestedAt is when the service learned of the deletion.
	RequestedAt metav1.Time `json:"requestedAt"`
	// StateVersion is the version of the deletion. A newer one begins a countdown of its own.
	// +optional
	StateVersion int64 `json:"stateVersion,omitempty"`
	// PurgeAt is when the removal of Namespaces begins. It is absent while nothing will be removed.
	// +optional
	PurgeAt *metav1.Time `json:"purgeAt,omitempty"`
	// Namespaces are what will be removed, and nothing else: a namespace that was made again under such a name has
	// another UID.
	// +optional
	// +listType=atomic
	Namespaces []NamespaceReference `json:"namespaces,omitempty"`
	// PurgeStartedAt is when the removal began. From then on it goes on to its end.
	// +optional
	PurgeStartedAt *metav1.Time `json:"purgeStartedAt,omitempty"`
	// PurgedAt is when the last namespace was gone. The Workspace then is a tombstone, which keeps late events stale.
	// +optional
	PurgedAt *metav1.Time `json:"purgedAt,omitempty"`
	// ExpiresAt is when the tombstone itself is removed.
	// +optional
	ExpiresAt *metav1.Time `json:"expiresAt,omitempty"`
}

// NamespaceReference is exactly one namespace.
type NamespaceReference struct {
	Name string    `json:"name"`
	UID  types.UID `json:"uid"`
}

// Purging tells whether the namespaces of w are being removed.
func (w *Workspace) Purging() bool {
	d := w.Status.Deletion
	return d != nil && d.PurgeStartedAt != nil && d.PurgedAt == nil
}

// Tombstone tells whether only the Workspace itself is left of w.
func (w *Workspace) Tombstone() bool {
	d := w.Status.Deletion
	return d != nil && d.PurgedAt != nil && w.Spec.State == StateDeleted
}
