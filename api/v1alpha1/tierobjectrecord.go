package v1alpha1

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TierObjectRecord is the value of AnnotationTierObject. The service owns the fields that the template states, removes those that the
// template drops, and leaves all others alone.
// +kubebuilder:object:generate=false
type TierObjectRecord struct {
	// Of is [TierObjectID] of the object, so that a copy of it is not taken for one that the service made.
	Of string `json:"of"`
	// Fields has the keys of the template's maps, outside metadata. A list of maps is a list here, and everything else is true.
	Fields map[string]any `json:"fields"`
}

// String is the value of AnnotationTierObject.
func (r TierObjectRecord) String() string {
	text, err := json.Marshal(r)
	if err != nil {
		panic("marshalling strings: " + err.Error())
	}
	return string(text)
}

// TierObjectID names an object by kind, API group, namespace and name: ExternalSecret.external-secrets.io/flyte-a/db.
func TierObjectID(o TierObjectMeta) string {
	return o.GetObjectKind().GroupVersionKind().GroupKind().String() + "/" + o.GetNamespace() + "/" + o.GetName()
}

// TierObjectMeta is an object that knows its kind.
// +kubebuilder:object:generate=false
type TierObjectMeta interface {
	metav1.Object
	GetObjectKind() schema.ObjectKind
}

// TierObjectRecordOf is the record in AnnotationTierObject of an object. Without a record of exactly this object, no template made it.
// Other clients can write it, so it never names a field that no template can state.
func TierObjectRecordOf(o TierObjectMeta) (record TierObjectRecord, found bool) {
	text, has := o.GetAnnotations()[AnnotationTierObject]
	if !has || json.Unmarshal([]byte(text), &record) != nil || record.Of != TierObjectID(o) {
		return TierObjectRecord{}, false
	}
	for _, key := range []string{"apiVersion", "kind", "metadata", "status"} {
		delete(record.Fields, key)
	}
	return record, true
}
