package k8s

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// retiredAnnotation marks a cached object that another version of the service made, under a name that this one does not
// use. Like digestAnnotation it exists in memory only.
const retiredAnnotation = "//retired"

// formerPolicies are the NetworkPolicies of earlier versions, which [isolationName] replaces. Policies add up, so a
// namespace is not isolated as it should be until they are gone.
var formerPolicies = []string{"default-deny", "allow-same-namespace", "allow-dns", "allow-flyte", "allow-egress", "allow-tier"}

// isRetired tells by its managed fields who made an object, since labels prove nothing. Even a copy may bring the managed
// fields of what it was made of, beside those of its maker: an object that anybody else has a part in is left alone. A
// former policy with our label is retired in any case, however it was edited: the service owned it whole.
func isRetired(o client.Object) bool {
	if o.GetNamespace() == "" || hasOurName(o) {
		return false
	}
	if _, ok := o.(*networkingv1.NetworkPolicy); ok && slices.Contains(formerPolicies, o.GetName()) {
		return true
	}
	ours := false
	for _, f := range o.GetManagedFields() {
		if f.Subresource != "" {
			continue
		}
		if f.Manager != v1alpha1.ManagedBy { // what comes before the slash in the User-Agent of the service
			return false
		}
		ours = true
	}
	return ours
}

// hasOurName tells whether this version makes objects of this kind and name.
func hasOurName(o client.Object) bool {
	var names []string
	switch o.(type) {
	case *corev1.LimitRange:
		names = []string{limitsName}
	case *corev1.PodTemplate:
		names = []string{podTemplateName}
	case *corev1.ResourceQuota:
		names = []string{quotaName}
	case *networkingv1.NetworkPolicy:
		names = []string{isolationName}
	case *rbacv1.RoleBinding:
		names = []string{workloadBinding}
		for _, role := range v1alpha1.Roles() {
			names = append(names, bindingName(role))
		}
	default:
		// A ServiceAccount stays, since pods may run as it, and a ConfigMap, which grants and limits nothing, and which members
		// may make. Secrets are watched by our name alone.
		return true
	}
	return slices.Contains(names, o.GetName())
}

// RetiredBindings are the RoleBindings that another version of the service made in the plan's namespace, and which this
// one has no use for: they must not exist. It asks the cache alone.
func (a *Applier) RetiredBindings(ctx context.Context, p *Plan) ([]client.Object, error) {
	return a.retired(ctx, p, &rbacv1.RoleBindingList{})
}

// ObsoletePolicies are as RetiredBindings, of NetworkPolicies. They must not go before this version's own is there.
func (a *Applier) ObsoletePolicies(ctx context.Context, p *Plan) ([]client.Object, error) {
	return a.retired(ctx, p, &networkingv1.NetworkPolicyList{})
}

// Retired are as RetiredBindings, of all other kinds. They must not go before those of this version are there.
func (a *Applier) Retired(ctx context.Context, p *Plan) (unwanted []client.Object, err error) {
	for _, list := range []client.ObjectList{&corev1.LimitRangeList{}, &corev1.PodTemplateList{}, &corev1.ResourceQuotaList{}} {
		found, err := a.retired(ctx, p, list)
		if err != nil {
			return nil, err
		}
		unwanted = append(unwanted, found...)
	}
	return unwanted, nil
}

func (a *Applier) retired(ctx context.Context, p *Plan, list client.ObjectList) (unwanted []client.Object, err error) {
	// No write of ours makes anything retired; to see them all would be to wait for all other workspaces.
	err = a.Client.List(
		ctx, list, client.InNamespace(p.Namespace.Name), client.UnsafeDisableDeepCopy, client.DisableReadYourWritesConsistency,
	)
	if err != nil {
		return nil, fmt.Errorf("looking for what another version made in namespace %q: %w", p.Namespace.Name, err)
	}
	err = meta.EachListItem(list, func(item runtime.Object) error {
		have := item.(client.Object)
		if _, retired := have.GetAnnotations()[retiredAnnotation]; retired {
			unwanted = append(unwanted, have.DeepCopyObject().(client.Object)) // of this UID, and no other of its name
		}
		return nil
	})
	return unwanted, err
}
