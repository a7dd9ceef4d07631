package v1alpha1

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TierKeys are the keys of the labels and annotations that the tier has put on an object. By them they are told from those
// of others, and are taken away when the tier drops them.
// +kubebuilder:object:generate=false
type TierKeys struct {
	Labels      []string `json:"labels,omitempty"`
	Annotations []string `json:"annotations,omitempty"`
}

// String is what AnnotationTierKeys holds.
func (k TierKeys) String() string {
	text, err := json.Marshal(k)
	if err != nil {
		panic("marshalling strings: " + err.Error())
	}
	return string(text)
}

// TierKeysOf are the keys that an object names; none where AnnotationTierKeys is missing or can't be read.
func TierKeysOf(o metav1.Object) (keys TierKeys) {
	if json.Unmarshal([]byte(o.GetAnnotations()[AnnotationTierKeys]), &keys) != nil {
		return TierKeys{}
	}
	return keys
}
