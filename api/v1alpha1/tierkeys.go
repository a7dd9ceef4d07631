package v1alpha1

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TierKeys are the keys of the labels and annotations that the tier has put on an object. The service removes those that the tier
// drops, and leaves all others alone.
// +kubebuilder:object:generate=false
type TierKeys struct {
	Labels      []string `json:"labels,omitempty"`
	Annotations []string `json:"annotations,omitempty"`
}

// String is the value of AnnotationTierKeys.
func (k TierKeys) String() string {
	text, err := json.Marshal(k)
	if err != nil {
		panic("marshalling strings: " + err.Error())
	}
	return string(text)
}

// TierKeysOf are the keys in AnnotationTierKeys of an object; none if it is missing or invalid.
func TierKeysOf(o metav1.Object) (keys TierKeys) {
	if json.Unmarshal([]byte(o.GetAnnotations()[AnnotationTierKeys]), &keys) != nil {
		return TierKeys{}
	}
	return keys
}
