package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
)

// TestTree_ShowsQueuesAndObjectsOfTheTier: also kinds that an installation has only where a tier asks for them.
func TestTree_ShowsQueuesAndObjectsOfTheTier(t *testing.T) {
	scheme, err := k8s.NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	if err := kueue.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	ours := map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelWorkspace: "fraud"}
	widget := &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: "test.company.com/v1", Kind: "Widget"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "flyte-fraud", Name: "plugin", Labels: ours},
	}
	tier := &v1alpha1.WorkspaceTier{ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.DefaultTier}}
	tier.Spec.Objects = []v1alpha1.TierObject{
		{APIVersion: "test.company.com/v1", Kind: "Widget"}, {APIVersion: "v1", Kind: "ConfigMap"},
	}
	w := &v1alpha1.Workspace{ObjectMeta: metav1.ObjectMeta{Name: "fraud"}}
	kube := fake.NewClientBuilder().WithScheme(scheme).WithObjects(
		tier, widget,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "flyte-fraud"}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "flyte-fraud", Name: "workspace-config", Labels: ours}},
		&kueue.LocalQueue{ObjectMeta: metav1.ObjectMeta{Namespace: "flyte-fraud", Name: "default", Labels: ours}},
		&kueue.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: "workspace-fraud", Labels: ours}},
		&kueue.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: "of-the-platform-team"}},
	).Build()

	kinds, err := childKinds(t.Context(), kube, w)
	if err != nil {
		t.Fatal(err)
	}
	namespace, err := namespaceNode(t.Context(), kube, "flyte-fraud", kinds, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	queues, err := ownedOf(t.Context(), kube, kueue.GroupVersion.WithKind("ClusterQueue"), time.Now(), ofWorkspace(w))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range append(namespace.children, queues...) {
		got = append(got, n.name)
	}
	want := []string{"ConfigMap/workspace-config", "LocalQueue/default", "Widget/plugin", "ClusterQueue/workspace-fraud"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the tree (-want +got):\n%s", diff)
	}
}
