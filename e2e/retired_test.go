package e2e

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
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestObjectsOfAnotherVersionGo leaves objects as another version of the service would, beside copies that somebody made of
// them: these stay.
func TestObjectsOfAnotherVersionGo(t *testing.T) {
	const id, namespace = "upgraded", "flyte-upgraded"
	newMessage(t, workspace.EventCreated, team(id, 1)).mustDeliver(t)
	settled(t, id, v1alpha1.ReasonReady)
	isOurs := func(f metav1.ManagedFieldsEntry) bool { return f.Manager == v1alpha1.ManagedBy }
	policy := live(t, &networkingv1.NetworkPolicy{}, namespace, "workspace-isolation")
	if !slices.ContainsFunc(policy.ManagedFields, isOurs) {
		t.Errorf("the service goes by another name: %+v", policy.ManagedFields)
	}

	copied := objectsOfAnotherVersion(namespace, "copied")
	for _, o := range copied {
		create(t.Context(), t, o)
	}
	for _, o := range objectsOfAnotherVersion(namespace, "retired") {
		if err := world.admin.Create(t.Context(), o, client.FieldOwner(v1alpha1.ManagedBy)); err != nil {
			t.Fatal(err)
		}
		key := client.ObjectKeyFromObject(o)
		eventually(t, o.GetName()+" to go", func(ctx context.Context) bool { return apierrors.IsNotFound(world.admin.Get(ctx, key, o)) })
	}
	for _, o := range copied {
		live(t, o, namespace, o.GetName())
	}
	heldIsWaitedFor(t, id, namespace)
}

// heldIsWaitedFor puts somebody's finalizer on an object of another version. The admission policy lets the service change
// nothing of it.
func heldIsWaitedFor(t *testing.T, id, namespace string) {
	t.Helper()
	held := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: "held", Finalizers: []string{"platform.company.com/test"},
		Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
	}}
	if err := world.admin.Create(t.Context(), held, client.FieldOwner(v1alpha1.ManagedBy)); err != nil {
		t.Fatal(err)
	}
	settled(t, id, v1alpha1.ReasonObjectTerminating)
	now := live(t, &networkingv1.NetworkPolicy{}, namespace, held.Name)
	if now.DeletionTimestamp.IsZero() || now.Generation != held.Generation+1 { // the API server counts the deletion
		t.Errorf("it is %+v", now.ObjectMeta)
	}
	now.Finalizers = nil
	update(t, now)
	settled(t, id, v1alpha1.ReasonReady)
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
