package workspace

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// maxDeliveries is how many deliveries a Workspace remembers. Repeats of older ones are stale by their version.
const maxDeliveries = 32

// Delivery identifies one webhook message: its id, and the hash of its body.
type Delivery struct {
	ID   string `json:"id"`
	Hash string `json:"hash"`
}

// NewDelivery is the delivery of this body under this webhook-id.
func NewDelivery(id string, body []byte) Delivery {
	sum := sha256.Sum256(body)
	return Delivery{ID: id, Hash: base64.RawURLEncoding.EncodeToString(sum[:])}
}

// deliveries are the newest deliveries of a Workspace, the newest first.
type deliveries []Delivery

// deliveriesOf reads the record. One that somebody broke by hand counts as empty: the versions still guard.
func deliveriesOf(w *v1alpha1.Workspace) deliveries {
	var ds deliveries
	if err := json.Unmarshal([]byte(w.Annotations[v1alpha1.AnnotationDeliveries]), &ds); err != nil {
		return nil
	}
	return ds
}

// repeats tells whether d was noted before; the same id with another body is a conflict.
func (ds deliveries) repeats(d Delivery) (bool, error) {
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

func (ds deliveries) note(w *v1alpha1.Workspace, d Delivery) error {
	ds = append(deliveries{d}, ds[:min(len(ds), maxDeliveries-1)]...)
	text, err := json.Marshal(ds)
	if err != nil {
		return fmt.Errorf("writing the annotation %s: %w", v1alpha1.AnnotationDeliveries, err)
	}
	if w.Annotations == nil {
		w.Annotations = map[string]string{}
	}
	w.Annotations[v1alpha1.AnnotationDeliveries] = string(text)
	return nil
}
