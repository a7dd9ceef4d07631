package k8s

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// digestLength is enough bytes of SHA-256 that no two forms of an object meet by chance.
const digestLength = 18

// digest is the fingerprint of the part of an object that we own whole: of its labels and annotations, and of its
// content. Two objects with one digest need no write; foreign labels, annotations and status don't enter it.
func digest(o client.Object) string {
	return fingerprint(ownedMetadata(o)) + "." + fingerprint(values(content(o)))
}

func fingerprint(of []any) string {
	text, err := json.Marshal(of)
	if err != nil {
		panic(fmt.Sprintf("marshalling built-in types: %v", err)) // they always marshal
	}
	sum := sha256.Sum256(text)
	return base64.RawStdEncoding.EncodeToString(sum[:digestLength])
}

// differsInContent tells of two digests whether the labels and annotations that are ours are the same.
func differsInContent(a, b string) bool {
	ofA, _, _ := strings.Cut(a, ".")
	ofB, _, _ := strings.Cut(b, ".")
	return a != b && ofA == ofB
}

// owned is the part of an object that we own whole, with the keys of it that are ours.
func owned(o client.Object) any { return append(ownedMetadata(o), values(content(o))...) }

func ownedMetadata(o client.Object) []any {
	labels, annotations := ownedKeys(o)
	return []any{only(o.GetLabels(), labels), only(o.GetAnnotations(), annotations)}
}

// field is one field of an object's content, and where it stands as a JSON Pointer; nowhere when others have a part in it.
type field struct {
	pointer string
	value   any
}

func values(fields []field) (all []any) {
	for _, f := range fields {
		all = append(all, f.value)
	}
	return all
}

// content is what we own of an object beside its metadata.
func content(o client.Object) []field {
	switch o := o.(type) {
	case *corev1.Namespace:
		return nil
	case *corev1.ServiceAccount:
		ours, _ := splitPullSecrets(o.ImagePullSecrets)
		return []field{{"", ours}}
	case *corev1.Secret:
		return []field{{"/type", o.Type}, {"/data", o.Data}, {"/immutable", o.Immutable}}
	case *corev1.ResourceQuota:
		return []field{{"/spec", o.Spec}}
	case *corev1.LimitRange:
		return []field{{"/spec", o.Spec}}
	case *corev1.ConfigMap:
		return []field{{"/data", o.Data}, {"/binaryData", o.BinaryData}, {"/immutable", o.Immutable}}
	case *rbacv1.RoleBinding:
		return []field{{"/roleRef", o.RoleRef}, {"/subjects", o.Subjects}}
	case *networkingv1.NetworkPolicy:
		return []field{{"/spec", o.Spec}}
	case *corev1.PodTemplate:
		return []field{{"/template", o.Template}}
	}
	panic(fmt.Sprintf("no workspace has a %T", o))
}

// adopt makes the owned part of live that of want, and leaves the rest of live alone.
func adopt(live, want client.Object) {
	adoptMetadata(live, want)
	switch live := live.(type) {
	case *corev1.ServiceAccount:
		_, theirs := splitPullSecrets(live.ImagePullSecrets)
		live.ImagePullSecrets = slices.Concat(theirs, want.(*corev1.ServiceAccount).ImagePullSecrets)
	case *corev1.Secret:
		live.Data, live.Immutable = want.(*corev1.Secret).Data, want.(*corev1.Secret).Immutable
	case *corev1.ResourceQuota:
		live.Spec = want.(*corev1.ResourceQuota).Spec
	case *corev1.LimitRange:
		live.Spec = want.(*corev1.LimitRange).Spec
	case *corev1.ConfigMap:
		from := want.(*corev1.ConfigMap)
		live.Data, live.BinaryData, live.Immutable = from.Data, from.BinaryData, from.Immutable
	case *rbacv1.RoleBinding:
		live.Subjects = want.(*rbacv1.RoleBinding).Subjects
	case *networkingv1.NetworkPolicy:
		live.Spec = want.(*networkingv1.NetworkPolicy).Spec
	case *corev1.PodTemplate:
		live.Template = want.(*corev1.PodTemplate).Template
	}
}

// replaceOnly tells whether the API server would refuse to change live into want, so that it must be deleted and
// made again: a roleRef can't be changed, nor can a quota's scopes, a Secret's type, or what is immutable.
func replaceOnly(live, want client.Object) bool {
	switch live := live.(type) {
	case *rbacv1.RoleBinding:
		return live.RoleRef != want.(*rbacv1.RoleBinding).RoleRef
	case *corev1.ResourceQuota:
		return !slices.Equal(live.Spec.Scopes, want.(*corev1.ResourceQuota).Spec.Scopes)
	case *corev1.ConfigMap:
		return live.Immutable != nil && *live.Immutable
	case *corev1.Secret:
		return live.Immutable != nil && *live.Immutable || live.Type != want.(*corev1.Secret).Type
	}
	return false
}
