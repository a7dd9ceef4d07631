package k8s

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// hashLength is enough bytes of SHA-256 that no two forms of an object collide by chance.
const hashLength = 18

// hash is the fingerprint of the part of an object that we own whole: of its labels and annotations, and of its
// fields. Two objects with one hash need no write; foreign labels, annotations and status don't enter it.
func hash(o client.Object) string {
	return fingerprint(ownedMetadata(o)) + "." + fingerprint(ownedFields(o))
}

func fingerprint(of []any) string {
	text, err := json.Marshal(of)
	if err != nil {
		panic(fmt.Sprintf("marshalling fields of an object: %v", err)) // they were JSON
	}
	sum := sha256.Sum256(text)
	return base64.RawStdEncoding.EncodeToString(sum[:hashLength])
}

// differsInFields reports of two hashes whether the labels and annotations that are ours are the same.
func differsInFields(a, b string) bool {
	ofA, _, _ := strings.Cut(a, ".")
	ofB, _, _ := strings.Cut(b, ".")
	return a != b && ofA == ofB
}

func ownedMetadata(o client.Object) []any {
	labels, annotations := ownedKeys(o)
	return []any{only(o.GetLabels(), labels), only(o.GetAnnotations(), annotations)}
}

func ownedFields(o client.Object) (values []any) {
	for _, f := range kindOf(o).fields(o) {
		values = append(values, f.value)
	}
	return values
}

// overwriteOwned makes the owned part of live that of want, and leaves the rest of live alone.
func overwriteOwned(live, want client.Object) {
	if live, ok := live.(*unstructured.Unstructured); ok {
		overwriteContent(live, want.(*unstructured.Unstructured)) // before its metadata, which says what the template stated
		overwriteMetadata(live, want)
		return
	}
	overwriteMetadata(live, want)
	if live, ok := live.(*corev1.ServiceAccount); ok {
		_, theirs := splitPullSecrets(live.ImagePullSecrets)
		live.ImagePullSecrets = slices.Concat(theirs, want.(*corev1.ServiceAccount).ImagePullSecrets)
		return
	}
	desired := ownedFields(want)
	for i, field := range ownedFields(live) {
		reflect.ValueOf(field).Elem().Set(reflect.ValueOf(desired[i]).Elem())
	}
}
