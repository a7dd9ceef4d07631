package lifecycle

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
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
		if got := specChanged(before, &v1alpha1.Workspace{ObjectMeta: test.after}); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// shownNamespaces is a cache that shows these namespaces, each with the workspace it belongs to.
type shownNamespaces map[string]string

func (n shownNamespaces) Get(_ context.Context, key client.ObjectKey, o client.Object, _ ...client.GetOption) error {
	id, shown := n[key.Name]
	if !shown {
		return apierrors.NewNotFound(corev1.Resource("namespaces"), key.Name)
	}
	o.SetLabels(map[string]string{v1alpha1.LabelWorkspace: id})
	return nil
}

func (shownNamespaces) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return nil
}

func TestOfChild_WaitsForTheNamespace(t *testing.T) {
	t.Parallel()
	cached := shownNamespaces{"flyte-known": "known"}
	child := func(namespace string) client.Object {
		labels := map[string]string{v1alpha1.LabelWorkspace: "forged"}
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "workspace-config", Labels: labels}}
	}
	if diff := cmp.Diff(request("known"), requestOfChild(t.Context(), cached, child("flyte-known"))); diff != "" {
		t.Errorf("in a cached Namespace (-want +got):\n%s", diff)
	}
	if got := requestOfChild(t.Context(), cached, child("flyte-late")); got != nil {
		t.Errorf("in a Namespace that is not cached: %v", got)
	}
}

func TestWorkspaceChanged(t *testing.T) {
	t.Parallel()
	workspace := func(change func(*v1alpha1.Workspace)) *v1alpha1.Workspace {
		w := &v1alpha1.Workspace{ObjectMeta: metav1.ObjectMeta{UID: "a", Generation: 1}}
		w.Status.ConsoleURL = "https://console.example.com"
		change(w)
		return w
	}
	before := workspace(func(*v1alpha1.Workspace) {})
	for name, test := range map[string]struct {
		after *v1alpha1.Workspace
		want  bool
	}{
		"a label":       {workspace(func(w *v1alpha1.Workspace) { w.Labels = map[string]string{"a": "b"} }), false},
		"the spec":      {workspace(func(w *v1alpha1.Workspace) { w.Generation++ }), true},
		"the status":    {workspace(func(w *v1alpha1.Workspace) { w.Status.ConsoleURL = "" }), true},
		"only a report": {workspace(func(w *v1alpha1.Workspace) { w.Status.Reported = &v1alpha1.Reported{Version: 1} }), false},
	} {
		if got := workspaceChanged(before, test.after); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestController_ReconcilesEveryWorkspaceAfterARelist takes the label off an object without an event for it: the cache
// never showed it.
func TestController_ReconcilesEveryWorkspaceAfterARelist(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	for _, id := range []string{"relisted-a", "relisted-b"} {
		s.provisioned(id)
	}
	s.awaitIdle()
	before := map[string]int{"relisted-a": s.looks.at("relisted-a"), "relisted-b": s.looks.at("relisted-b")}
	s.relisted <- struct{}{}
	eventually(t, func(context.Context) error {
		for id, n := range before {
			if s.looks.at(id) <= n {
				return errors.New(id + " was not reconciled")
			}
		}
		return nil
	})
}
