package lifecycle

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

func TestWishChanged(t *testing.T) {
	t.Parallel()
	before := &v1alpha1.Workspace{ObjectMeta: metav1.ObjectMeta{UID: "a", Generation: 1, ResourceVersion: "1"}}
	for name, test := range map[string]struct {
		after metav1.ObjectMeta
		want  bool
	}{
		"only status or metadata": {metav1.ObjectMeta{UID: "a", Generation: 1, ResourceVersion: "2"}, false},
		"another spec":            {metav1.ObjectMeta{UID: "a", Generation: 2, ResourceVersion: "2"}, true},
		"deleted and made again":  {metav1.ObjectMeta{UID: "b", Generation: 1, ResourceVersion: "2"}, true},
	} {
		if got := wishChanged(before, &v1alpha1.Workspace{ObjectMeta: test.after}); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// unshown is a cache that shows nothing.
type unshown struct{ client.Reader }

func (unshown) Get(_ context.Context, key client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	return apierrors.NewNotFound(corev1.Resource("namespaces"), key.Name)
}

// What happens in a Namespace that was made, and of which no watch has told, is looked at when one does.
func TestController_HeedsTheNamespaceOfAChild(t *testing.T) {
	t.Parallel()
	c := &Controller{Options: Options{Applier: &k8s.Applier{}}}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "flyte-late"}}
	must(t, c.Applier.Expecting("late", `Namespace "flyte-late"`, "", "", func() (string, error) { return "1", nil }))
	child := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "flyte-late", Name: "gone"}}
	if got := c.ofChild(t.Context(), unshown{}, child); got != nil {
		t.Errorf("it is looked at as %v", got)
	}
	if !c.Applier.CreatedByOthers(namespace) {
		t.Error("nobody will look at it when the watch tells of its Namespace")
	}
}
