package life

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestForeignNamespaceIsNotTouched creates a workspace whose namespace exists without its label.
func TestForeignNamespaceIsNotTouched(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	foreign := env.CreateNamespace(t, "flyte-foreign")
	env.Deliver(t, harness.NewMessage(t, workspace.EventCreated, harness.Data("foreign", 1)))
	w := env.AwaitReason(t, "foreign", v1alpha1.ReasonConflict)
	c := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionNamespaceReady)
	if c == nil || c.Status != metav1.ConditionFalse || c.Reason != v1alpha1.ReasonConflict {
		t.Errorf("NamespaceReady is %+v", c)
	}
	if diff := cmp.Diff(foreign.ObjectMeta, harness.Get(t, env, &corev1.Namespace{}, "", "flyte-foreign").ObjectMeta); diff != "" {
		t.Errorf("the namespace changed: %s", diff)
	}
	if objects := env.Children(t, "flyte-foreign"); len(objects) > 0 {
		t.Errorf("created in the foreign namespace: %v", objects)
	}
	if _, ok := env.Project("foreign"); ok {
		t.Error("registered a project whose pods would run in a foreign namespace")
	}
}
