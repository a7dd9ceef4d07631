package e2e

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestDriftIsRepairedUnderTheChartsAccount takes our labels off each kind of object, weakens the namespace, and locks the
// ConfigMap: everything is put back with the rights that the chart grants.
func TestDriftIsRepairedUnderTheChartsAccount(t *testing.T) {
	const id, namespace = "tampered", "flyte-tampered"
	tier := live(t, &v1alpha1.WorkspaceTier{}, "", v1alpha1.DefaultTier)
	tier.ObjectMeta = metav1.ObjectMeta{Name: id}
	tier.Spec.Workload.PodTemplate = &v1alpha1.TierPodTemplate{Restricted: true} // so that there is one object of each kind
	create(t.Context(), t, tier)
	onTier(t, id, tier.Name)

	for _, kind := range k8s.Children() {
		stripLabels(t, kind, namespace)
	}
	n := live(t, &corev1.Namespace{}, "", namespace)
	n.Labels["pod-security.kubernetes.io/enforce"] = "privileged"
	update(t, n)
	eventually(t, "the namespace's Pod Security", func(ctx context.Context) bool {
		var n corev1.Namespace
		err := world.admin.Get(ctx, named(namespace), &n)
		return err == nil && n.Labels["pod-security.kubernetes.io/enforce"] == "baseline"
	})
	config := live(t, &corev1.ConfigMap{}, namespace, "workspace-config")
	locked := true
	config.Immutable, config.Data["owner"] = &locked, "someone"
	update(t, config)
	eventually(t, "another ConfigMap in place of the locked one", func(ctx context.Context) bool {
		var now corev1.ConfigMap
		err := world.admin.Get(ctx, client.ObjectKeyFromObject(config), &now)
		return err == nil && now.UID != config.UID && now.Data["owner"] == "ana@company.com"
	})

	fewer := team(id, 2)
	fewer.Tier = tier.Name
	fewer.Members = fewer.Members[:1]
	newMessage(t, workspace.EventUpdated, fewer).mustDeliver(t)
	eventually(t, "the binding of a role that nobody has to go", func(ctx context.Context) bool {
		key := client.ObjectKey{Namespace: namespace, Name: "workspace-editor"}
		return apierrors.IsNotFound(world.admin.Get(ctx, key, &rbacv1.RoleBinding{}))
	})
}

// stripLabels takes our labels off the objects of a kind, and waits until they are back on the same objects.
func stripLabels(t *testing.T, kind client.Object, namespace string) {
	t.Helper()
	gvk, err := world.admin.GroupVersionKindFor(kind)
	if err != nil {
		t.Fatal(err)
	}
	var all metav1.PartialObjectMetadataList
	all.SetGroupVersionKind(gvk)
	if err := world.admin.List(t.Context(), &all, client.InNamespace(namespace), client.HasLabels{v1alpha1.LabelWorkspace}); err != nil {
		t.Fatal(err)
	}
	if meta.LenList(&all) == 0 {
		t.Fatalf("there is no %s", gvk.Kind)
	}
	for i := range all.Items {
		o := &all.Items[i]
		o.SetGroupVersionKind(gvk)
		before := o.DeepCopy()
		o.Labels = nil
		if err := world.admin.Patch(t.Context(), o, client.MergeFrom(before)); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the labels of "+gvk.Kind+" "+o.Name, func(ctx context.Context) bool {
			now := &metav1.PartialObjectMetadata{}
			now.SetGroupVersionKind(gvk)
			err := world.admin.Get(ctx, client.ObjectKeyFromObject(o), now)
			return err == nil && now.UID == o.UID && now.Labels[v1alpha1.LabelWorkspace] != ""
		})
	}
}

func update(t *testing.T, o client.Object) {
	t.Helper()
	if err := world.admin.Update(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}
