package life

import (
	"context"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// TestObjectsOfAnotherVersionArePruned creates objects as another version of the service would, and copies of them as another client would:
// the copies stay.
func TestObjectsOfAnotherVersionArePruned(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	const id, namespace = "upgraded", "flyte-upgraded"
	env.Create(t, harness.Data(id, 1))
	isService := func(f metav1.ManagedFieldsEntry) bool { return f.Manager == v1alpha1.ManagedBy }
	policy := harness.Get(t, env, &networkingv1.NetworkPolicy{}, namespace, "workspace-isolation")
	if !slices.ContainsFunc(policy.ManagedFields, isService) {
		t.Errorf("the service is another field manager: %+v", policy.ManagedFields)
	}

	copied := objectsOfAnotherVersion(namespace, "copied")
	for _, o := range copied {
		harness.Must(t, env.Admin.Create(t.Context(), o))
	}
	for _, o := range objectsOfAnotherVersion(namespace, "obsolete") {
		harness.Must(t, env.Admin.Create(t.Context(), o, client.FieldOwner(v1alpha1.ManagedBy)))
		key := client.ObjectKeyFromObject(o)
		harness.Eventually(t, o.GetName()+" to be gone", func(ctx context.Context) bool {
			return apierrors.IsNotFound(env.Admin.Get(ctx, key, o))
		})
	}
	for _, o := range copied {
		harness.Get(t, env, o, namespace, o.GetName())
	}
	waitsForFinalizer(t, id, namespace)
}

// waitsForFinalizer puts a finalizer on an object of another version. The admission policy lets the service change nothing of it.
func waitsForFinalizer(t *testing.T, id, namespace string) {
	t.Helper()
	env := shared.Env()
	finalized := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: "finalized", Finalizers: []string{"platform.company.com/test"},
		Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
	}}
	harness.Must(t, env.Admin.Create(t.Context(), finalized, client.FieldOwner(v1alpha1.ManagedBy)))
	env.AwaitReason(t, id, v1alpha1.ReasonObjectTerminating)
	now := harness.Get(t, env, &networkingv1.NetworkPolicy{}, namespace, finalized.Name)
	if now.DeletionTimestamp.IsZero() || now.Generation != finalized.Generation+1 { // the API server counts the deletion
		t.Errorf("it is %+v", now.ObjectMeta)
	}
	now.Finalizers = nil
	harness.Must(t, env.Admin.Update(t.Context(), now))
	env.AwaitReason(t, id, v1alpha1.ReasonReady)
}

func objectsOfAnotherVersion(namespace, name string) []client.Object {
	meta := metav1.ObjectMeta{
		Namespace: namespace, Name: name,
		Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelWorkspace: "upgraded"},
	}
	view := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"}
	return []client.Object{
		&rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: view, Subjects: []rbacv1.Subject{{Kind: "User", APIGroup: rbacv1.GroupName, Name: "eve"}}},
		&networkingv1.NetworkPolicy{ObjectMeta: meta}, &corev1.ResourceQuota{ObjectMeta: meta}, &corev1.LimitRange{ObjectMeta: meta},
		&corev1.PodTemplate{ObjectMeta: meta, Template: corev1.PodTemplateSpec{
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "default", Image: "none"}}},
		}},
	}
}
