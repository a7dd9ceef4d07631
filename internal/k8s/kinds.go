package k8s

import (
	"fmt"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
)

// kind describes a kind of object that a workspace has.
type kind struct {
	// newList makes an empty list; nil for kinds that are never pruned.
	newList func() client.ObjectList
	// fields are the fields that the service owns completely, beside metadata.
	fields func(client.Object) []field
	// immutable reports whether the API server refuses to change live into want, so that it must be deleted and created
	// again; nil where it never does.
	immutable func(live, want client.Object) bool
	// disarm removes the rights or credentials that an object grants, and reports whether there were any: a finalizer may keep the
	// object for long. It is nil for kinds that grant nothing.
	disarm func(client.Object) bool
}

// field is a pointer to one field of an object, and where it stands as a JSON Pointer (RFC 6901).
type field struct {
	path  string
	value any
}

// kinds are all kinds of objects that a workspace may have. A ServiceAccount is never pruned, since pods may run as it, nor is a
// ConfigMap, which grants and limits nothing.
var kinds = map[reflect.Type]kind{
	reflect.TypeFor[*corev1.Namespace](): {fields: func(client.Object) []field { return nil }},
	reflect.TypeFor[*corev1.ServiceAccount](): {
		fields: func(o client.Object) []field {
			ours, _ := splitPullSecrets(o.(*corev1.ServiceAccount).ImagePullSecrets)
			return []field{{"", &ours}} // other clients own entries of the list, too: see overwriteOwned
		},
	},
	reflect.TypeFor[*corev1.ConfigMap](): {
		fields: func(o client.Object) []field {
			c := o.(*corev1.ConfigMap)
			return []field{{"/data", &c.Data}, {"/binaryData", &c.BinaryData}, {"/immutable", &c.Immutable}}
		},
		immutable: func(live, _ client.Object) bool { return ptr.Deref(live.(*corev1.ConfigMap).Immutable, false) },
	},
	reflect.TypeFor[*corev1.Secret](): {
		newList: func() client.ObjectList { return &corev1.SecretList{} },
		fields: func(o client.Object) []field {
			s := o.(*corev1.Secret)
			return []field{{"/type", &s.Type}, {"/data", &s.Data}, {"/immutable", &s.Immutable}}
		},
		immutable: func(live, want client.Object) bool {
			return ptr.Deref(live.(*corev1.Secret).Immutable, false) || live.(*corev1.Secret).Type != want.(*corev1.Secret).Type
		},
		disarm: disarmSecret,
	},
	reflect.TypeFor[*corev1.ResourceQuota](): {
		newList: func() client.ObjectList { return &corev1.ResourceQuotaList{} },
		fields:  func(o client.Object) []field { return []field{{"/spec", &o.(*corev1.ResourceQuota).Spec}} },
		immutable: func(live, want client.Object) bool {
			return !slices.Equal(live.(*corev1.ResourceQuota).Spec.Scopes, want.(*corev1.ResourceQuota).Spec.Scopes)
		},
	},
	reflect.TypeFor[*corev1.LimitRange](): {
		newList: func() client.ObjectList { return &corev1.LimitRangeList{} },
		fields:  func(o client.Object) []field { return []field{{"/spec", &o.(*corev1.LimitRange).Spec}} },
	},
	reflect.TypeFor[*corev1.PodTemplate](): {
		newList: func() client.ObjectList { return &corev1.PodTemplateList{} },
		fields:  func(o client.Object) []field { return []field{{"/template", &o.(*corev1.PodTemplate).Template}} },
	},
	reflect.TypeFor[*rbacv1.RoleBinding](): {
		newList: func() client.ObjectList { return &rbacv1.RoleBindingList{} },
		fields: func(o client.Object) []field {
			b := o.(*rbacv1.RoleBinding)
			return []field{{"/roleRef", &b.RoleRef}, {"/subjects", &b.Subjects}}
		},
		immutable: func(live, want client.Object) bool {
			return live.(*rbacv1.RoleBinding).RoleRef != want.(*rbacv1.RoleBinding).RoleRef
		},
		disarm: disarmRoleBinding,
	},
	reflect.TypeFor[*networkingv1.NetworkPolicy](): {
		newList: func() client.ObjectList { return &networkingv1.NetworkPolicyList{} },
		fields:  func(o client.Object) []field { return []field{{"/spec", &o.(*networkingv1.NetworkPolicy).Spec}} },
	},
	reflect.TypeFor[*kueue.ClusterQueue](): {
		fields: func(o client.Object) []field { return []field{{"/spec", &o.(*kueue.ClusterQueue).Spec}} },
	},
	reflect.TypeFor[*kueue.LocalQueue](): {
		newList: func() client.ObjectList { return &kueue.LocalQueueList{} },
		fields:  func(o client.Object) []field { return []field{{"/spec", &o.(*kueue.LocalQueue).Spec}} },
		immutable: func(live, want client.Object) bool {
			return live.(*kueue.LocalQueue).Spec.ClusterQueue != want.(*kueue.LocalQueue).Spec.ClusterQueue
		},
	},
}

// Children are the kinds of objects that every workspace may have in its namespaces. Secrets are cached only if pull
// secrets are copied.
func Children() []client.Object {
	return []client.Object{
		&corev1.ResourceQuota{}, &corev1.LimitRange{}, &corev1.ServiceAccount{}, &corev1.ConfigMap{},
		&corev1.PodTemplate{}, &rbacv1.RoleBinding{}, &networkingv1.NetworkPolicy{},
	}
}

func kindOf(o client.Object) kind {
	if o, ok := o.(*unstructured.Unstructured); ok {
		return tierObjectKind(o.GroupVersionKind())
	}
	found, known := kinds[reflect.TypeOf(o)]
	if !known {
		panic(fmt.Sprintf("%T is no kind of a workspace", o))
	}
	return found
}

// newOfKind is an empty object of the same kind.
func newOfKind(o client.Object) client.Object {
	if o, ok := o.(*unstructured.Unstructured); ok {
		return objectOf(o.GroupVersionKind())
	}
	return reflect.New(reflect.TypeOf(o).Elem()).Interface().(client.Object)
}

// KindName is the name of the kind of an object, such as "LimitRange".
func KindName(o client.Object) string {
	if o, ok := o.(*unstructured.Unstructured); ok {
		return o.GetKind()
	}
	return reflect.TypeOf(o).Elem().Name()
}

// isImmutable reports whether the API server refuses to change live into want.
func isImmutable(live, want client.Object) bool {
	immutable := kindOf(live).immutable
	return immutable != nil && immutable(live, want)
}

// disarmed is live without the rights or credentials that it grants, or nil if it grants none.
func disarmed(live client.Object) client.Object {
	harmless := live.DeepCopyObject().(client.Object)
	if disarm := kindOf(live).disarm; disarm == nil || !disarm(harmless) {
		return nil
	}
	return harmless
}

// disarmRoleBinding removes all subjects.
func disarmRoleBinding(o client.Object) bool {
	b := o.(*rbacv1.RoleBinding)
	had := len(b.Subjects) > 0
	b.Subjects = nil
	return had
}

// disarmSecret leaves no credentials.
func disarmSecret(o client.Object) bool {
	const none = `{"auths":{}}`
	s := o.(*corev1.Secret)
	had := string(s.Data[corev1.DockerConfigJsonKey]) != none && !ptr.Deref(s.Immutable, false)
	s.Data = map[string][]byte{corev1.DockerConfigJsonKey: []byte(none)}
	return had
}

// splitPullSecrets separates our entry from those that others have added, as OpenShift does.
func splitPullSecrets(all []corev1.LocalObjectReference) (ours, theirs []corev1.LocalObjectReference) {
	for _, r := range all {
		if r.Name == v1alpha1.PullSecretName {
			ours = append(ours, r)
		} else {
			theirs = append(theirs, r)
		}
	}
	return ours, theirs
}
