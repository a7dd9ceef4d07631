package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestForeignNamespaceIsLeftAlone asks for a workspace whose namespace somebody else has.
func TestForeignNamespaceIsLeftAlone(t *testing.T) {
	foreign := makeNamespace(t, "flyte-foreign")
	newMessage(t, workspace.EventCreated, team("foreign", 1)).mustDeliver(t)
	w := settled(t, "foreign", v1alpha1.ReasonConflict)
	c := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionNamespaceReady)
	if c == nil || c.Status != metav1.ConditionFalse || c.Reason != v1alpha1.ReasonConflict {
		t.Errorf("NamespaceReady is %+v", c)
	}
	if diff := cmp.Diff(foreign.ObjectMeta, live(t, &corev1.Namespace{}, "", "flyte-foreign").ObjectMeta); diff != "" {
		t.Errorf("the namespace changed: %s", diff)
	}
	for _, kind := range k8s.Children() {
		var list metav1.PartialObjectMetadataList
		gvk, err := world.admin.GroupVersionKindFor(kind)
		if err != nil {
			t.Fatal(err)
		}
		list.SetGroupVersionKind(gvk)
		ours := client.MatchingLabels{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}
		if err := world.admin.List(t.Context(), &list, client.InNamespace("flyte-foreign"), ours); err != nil {
			t.Fatal(err)
		}
		if len(list.Items) > 0 {
			t.Errorf("made in a foreign namespace: %s %s", gvk.Kind, list.Items[0].Name)
		}
	}
	if _, ok := findProject("foreign"); ok {
		t.Error("registered a project whose pods would run in a foreign namespace")
	}
}
