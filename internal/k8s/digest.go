package k8s

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// digestLength is enough bytes of SHA-256 that no two forms of an object meet by chance.
const digestLength = 18

// digest is the fingerprint of the part of an object that we own whole. Two objects with one digest need no write;
// foreign labels, annotations and status don't enter it.
func digest(o client.Object) string {
	text, err := json.Marshal(owned(o))
	if err != nil {
		panic(fmt.Sprintf("marshalling a %T: %v", o, err)) // built-in types always marshal
	}
	sum := sha256.Sum256(text)
	return base64.RawStdEncoding.EncodeToString(sum[:digestLength])
}

// owned is the part of an object that we own whole, with the keys of it that are ours.
func owned(o client.Object) any {
	labels, annotations := ownedKeys(o)
	parts := []any{only(o.GetLabels(), labels), only(o.GetAnnotations(), annotations)}
	switch o := o.(type) {
	case *corev1.Namespace:
	case *corev1.ServiceAccount:
		ours, _ := splitPullSecrets(o.ImagePullSecrets)
		parts = append(parts, ours)
	case *corev1.Secret:
		parts = append(parts, o.Type, o.Data, o.Immutable)
	case *corev1.ResourceQuota:
		parts = append(parts, o.Spec)
	case *corev1.LimitRange:
		parts = append(parts, o.Spec)
	case *corev1.ConfigMap:
		parts = append(parts, o.Data, o.BinaryData, o.Immutable)
	case *rbacv1.RoleBinding:
		parts = append(parts, o.RoleRef, o.Subjects)
	case *networkingv1.NetworkPolicy:
		parts = append(parts, o.Spec)
	case *corev1.PodTemplate:
		parts = append(parts, o.Template)
	default:
		panic(fmt.Sprintf("no workspace has a %T", o))
	}
	return parts
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
