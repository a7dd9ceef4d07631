package workspace

import (
	"crypto/sha256"
	"encoding/base64"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// maxDeliveries is how many deliveries a Workspace records. Repeats of older ones are stale by their version.
const maxDeliveries = 32

// Delivery is one webhook message. Its id and the hash of its body identify it.
type Delivery struct {
	ID   string `json:"id"`
	Hash string `json:"hash"`
	// Received is when the service received it, in milliseconds; zero if an older version of the service recorded it.
	Received time.Time `json:"received,omitzero"`
}

// NewDelivery returns the delivery of this body under this webhook-id.
func NewDelivery(id string, body []byte, received time.Time) Delivery {
	sum := sha256.Sum256(body)
	return Delivery{ID: id, Hash: base64.RawURLEncoding.EncodeToString(sum[:]), Received: received.UTC().Truncate(time.Millisecond)}
}

// Deliveries returns the newest deliveries of w, the newest first.
func Deliveries(w *v1alpha1.Workspace) []Delivery {
	recorded := readAnnotation[deliveries](w, v1alpha1.AnnotationDeliveries)
	return recorded[:min(len(recorded), maxDeliveries)] // more were added by hand
}

// deliveries are the newest deliveries of a Workspace, the newest first. Beyond the record, versions protect from repeats.
type deliveries []Delivery

// contains reports whether d was recorded before. The same id with another body is a KindConflict error.
func (ds deliveries) contains(d Delivery) (bool, error) {
	for _, known := range ds {
		switch {
		case known.ID == d.ID && known.Hash == d.Hash:
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
