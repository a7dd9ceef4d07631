package k8s

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

// A member may give objects of their own our labels, and a namespace may belong to another workspace.
func TestListOwned_IsWhatTheServiceMakes(t *testing.T) {
	scheme, err := NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	inside := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "flyte-a", Name: name, Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}}
	}
	cached := fake.NewClientBuilder().WithScheme(scheme).WithObjects(
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "flyte-a", Labels: map[string]string{v1alpha1.LabelWorkspace: "a"}}},
		&corev1.ResourceQuota{ObjectMeta: inside("workspace-quota")},
		&corev1.ConfigMap{ObjectMeta: inside("workspace-config")},
		&corev1.ConfigMap{ObjectMeta: inside("tenants-own")},
		&corev1.ServiceAccount{ObjectMeta: inside("default")},
	).Build()
	for workspace, want := range map[string][]OwnedObject{
		"a": {
			{Kind: "ConfigMap", Namespace: "flyte-a", Name: "workspace-config"},
			{Kind: "ResourceQuota", Namespace: "flyte-a", Name: "workspace-quota"},
		},
		"b": nil,
	} {
		got, err := ListOwned(t.Context(), client.Client(cached), workspace, "flyte-a", desired.Makes)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("of workspace %s: %v (-want +got):\n%s", workspace, err, diff)
		}
	}
}
