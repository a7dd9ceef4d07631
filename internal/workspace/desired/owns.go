package desired

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
)

// formerPolicies are the NetworkPolicies of earlier versions, which [isolationName] replaces.
var formerPolicies = []string{"default-deny", "allow-same-namespace", "allow-dns", "allow-flyte", "allow-egress", "allow-tier"}

// Makes reports whether the service makes objects of this kind and name in the namespaces of workspaces: those that it [Owns], and those
// that it never removes.
func Makes(o client.Object) bool {
	switch o.(type) {
	case *corev1.ConfigMap:
		return o.GetName() == configName
	case *corev1.ServiceAccount:
		return o.GetName() == WorkloadServiceAccount
	}
	return Owns(o)
}

// Owns reports whether an object of this kind and name in a namespace of a workspace belongs to the service, no matter who wrote
// it last. Such an object that is not desired is removed.
func Owns(o client.Object) bool {
	name := o.GetName()
	switch o.(type) {
	case *corev1.LimitRange:
		return name == limitsName
	case *corev1.PodTemplate:
		return name == podTemplateName
	case *corev1.ResourceQuota:
		return name == quotaName || strings.HasPrefix(name, v1alpha1.PriorityQuotaPrefix)
	case *corev1.Secret:
		return name == v1alpha1.PullSecretName
	case *kueue.LocalQueue:
		return name == kueue.DefaultQueue
	case *networkingv1.NetworkPolicy:
		return name == isolationName || slices.Contains(formerPolicies, name)
	case *rbacv1.RoleBinding:
		return name == workloadBinding ||
			slices.ContainsFunc(v1alpha1.Roles(), func(role v1alpha1.Role) bool { return name == bindingName(role) })
	}
	return false
}
