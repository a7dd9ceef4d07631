package workspace

import (
	"crypto/sha256"
	"encoding/base64"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// maxDeliveries is how many deliveries a Workspace records. Repeats of older ones are stale by their version.
const maxDeliveries = 32

// Delivery identifies one webhook message: its id, and the hash of its body.
type Delivery struct {
	ID   string `json:"id"`
	Hash string `json:"hash"`
}

// NewDelivery returns the delivery of this body under this webhook-id.
func NewDelivery(id string, body []byte) Delivery {
	sum := sha256.Sum256(body)
	return Delivery{ID: id, Hash: base64.RawURLEncoding.EncodeToString(sum[:])}
}

// DeliveryIDs returns the ids of the newest deliveries of w, the newest first.
func DeliveryIDs(w *v1alpha1.Workspace) []string {
	recorded := readAnnotation[deliveries](w, v1alpha1.AnnotationDeliveries)
	recorded = recorded[:min(len(recorded), maxDeliveries)] // more were added by hand
	ids := make([]string, len(recorded))
	for i, d := range recorded {
		ids[i] = d.ID
	}
	return ids
}

// deliveries are the newest deliveries of a Workspace, the newest first. Beyond the record, versions protect from repeats.
type deliveries []Delivery

// contains reports whether d was recorded before. The same id with another body is a KindConflict error.
func (ds deliveries) contains(d Delivery) (bool, error) {
	for _, known := range ds {
		switch {
		case known == d:
			return true, nil
		case known.ID == d.ID:
			return false, &Error{Kind: KindConflict, Detail: "this webhook-id was used before with another body"}
		}
	}
	return false, nil
}

// with returns the deliveries after d.
func (ds deliveries) with(d Delivery) deliveries {
	return append(deliveries{d}, ds[:min(len(ds), maxDeliveries-1)]...)
}
