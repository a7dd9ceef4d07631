package k8s

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func TestSlim_MarksWhatAnotherVersionMade(t *testing.T) {
	t.Parallel()
	named := func(namespace, name string, managers ...string) metav1.ObjectMeta {
		meta := metav1.ObjectMeta{Namespace: namespace, Name: name}
		for _, manager := range append(managers, "kube-controller-manager/status") {
			manager, subresource, _ := strings.Cut(manager, "/")
			meta.ManagedFields = append(meta.ManagedFields, metav1.ManagedFieldsEntry{Manager: manager, Subresource: subresource})
		}
		return meta
	}
	const namespace = "flyte-ws-001"
	cases := map[string]struct {
		object client.Object
		want   bool
	}{
		"ours of another name":  {&rbacv1.RoleBinding{ObjectMeta: named(namespace, "workspace-owner", v1alpha1.ManagedBy)}, true},
		"ours":                  {&rbacv1.RoleBinding{ObjectMeta: named(namespace, "workspace-admin", v1alpha1.ManagedBy)}, false},
		"somebody's":            {&rbacv1.RoleBinding{ObjectMeta: named(namespace, "workspace-owner", "helm")}, false},
		"nobody's":              {&rbacv1.RoleBinding{ObjectMeta: named(namespace, "workspace-owner")}, false},
		"a changed one":         {&rbacv1.RoleBinding{ObjectMeta: named(namespace, "workspace-owner", v1alpha1.ManagedBy, "kubectl")}, false},
		"of a similar manager":  {&corev1.ResourceQuota{ObjectMeta: named(namespace, "quota", v1alpha1.ManagedBy+"-2")}, false},
		"a quota of ours":       {&corev1.ResourceQuota{ObjectMeta: named(namespace, "quota", v1alpha1.ManagedBy)}, true},
		"a former policy":       {&networkingv1.NetworkPolicy{ObjectMeta: named(namespace, "allow-egress", v1alpha1.ManagedBy)}, true},
		"an edited former one":  {&networkingv1.NetworkPolicy{ObjectMeta: named(namespace, "allow-egress", v1alpha1.ManagedBy, "kubectl")}, true},
		"the policy":            {&networkingv1.NetworkPolicy{ObjectMeta: named(namespace, isolationName, v1alpha1.ManagedBy)}, false},
		"another's policy":      {&networkingv1.NetworkPolicy{ObjectMeta: named(namespace, "allow-db", "kubectl")}, false},
		"a ConfigMap of ours":   {&corev1.ConfigMap{ObjectMeta: named(namespace, "old", v1alpha1.ManagedBy)}, false},
		"an account of ours":    {&corev1.ServiceAccount{ObjectMeta: named(namespace, "old", v1alpha1.ManagedBy)}, false},
		"a Secret of ours":      {&corev1.Secret{ObjectMeta: named(namespace, "old", v1alpha1.ManagedBy)}, false},
		"a Namespace by itself": {&corev1.Namespace{ObjectMeta: named("", "flyte-old", v1alpha1.ManagedBy)}, false},
	}
	for name, c := range cases {
		thin, err := slim(c.object)
		must(t, err)
		if _, got := thin.(client.Object).GetAnnotations()[retiredAnnotation]; got != c.want {
			t.Errorf("%s: marked %t", name, got)
		}
	}
}

// What a plan makes, or removes, must never count as another version's.
func TestHasOurName_KnowsAllThatPlansMake(t *testing.T) {
	t.Parallel()
	for name, change := range plans() {
		p := samplePlan("flyte-ws-001")
		change(p)
		_, unbound := p.AccessObjects()
		_, unused := p.WorkloadObjects(&PullSecrets{})
		for _, o := range append(append(p.children(), unbound...), unused...) {
			if !hasOurName(o) {
				t.Errorf("%s: %s is not known", name, describe(o))
			}
		}
	}
}
