package k8s

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Children are the kinds of objects that every workspace may have in its namespaces. Secrets are cached only where pull
// secrets are copied.
func Children() []client.Object {
	return []client.Object{
		&corev1.ResourceQuota{}, &corev1.LimitRange{}, &corev1.ServiceAccount{}, &corev1.ConfigMap{},
		&corev1.PodTemplate{}, &rbacv1.RoleBinding{}, &networkingv1.NetworkPolicy{},
	}
}

// like is an empty object of the same kind.
func like(o client.Object) client.Object {
	switch o.(type) {
	case *corev1.Namespace:
		return &corev1.Namespace{}
	case *corev1.ResourceQuota:
		return &corev1.ResourceQuota{}
	case *corev1.LimitRange:
		return &corev1.LimitRange{}
	case *corev1.ServiceAccount:
		return &corev1.ServiceAccount{}
	case *corev1.ConfigMap:
		return &corev1.ConfigMap{}
	case *rbacv1.RoleBinding:
		return &rbacv1.RoleBinding{}
	case *networkingv1.NetworkPolicy:
		return &networkingv1.NetworkPolicy{}
	case *corev1.PodTemplate:
		return &corev1.PodTemplate{}
	case *corev1.Secret:
		return &corev1.Secret{}
	}
	panic(fmt.Sprintf("no workspace has a %T", o))
}

// kindOf is the object's kind. Typed objects don't carry it after they were decoded.
func kindOf(o client.Object) string {
	switch o.(type) {
	case *corev1.Namespace:
		return "Namespace"
	case *corev1.ResourceQuota:
		return "ResourceQuota"
	case *corev1.LimitRange:
		return "LimitRange"
	case *corev1.ServiceAccount:
		return "ServiceAccount"
	case *corev1.ConfigMap:
		return "ConfigMap"
	case *rbacv1.RoleBinding:
		return "RoleBinding"
	case *networkingv1.NetworkPolicy:
		return "NetworkPolicy"
	case *corev1.PodTemplate:
		return "PodTemplate"
	case *corev1.Secret:
		return "Secret"
	}
	return fmt.Sprintf("%T", o)
}
