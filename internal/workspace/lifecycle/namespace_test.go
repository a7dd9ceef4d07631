package lifecycle

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// theirs is a namespace that someone else made.
func theirs(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"team": "another"}}}
}

func (s *stage) namespace(name string) *corev1.Namespace {
	s.t.Helper()
	var namespace corev1.Namespace
	must(s.t, s.admin.Get(s.t.Context(), client.ObjectKey{Name: name}, &namespace))
	return &namespace
}

// wantUntouched fails the test if anything was written to the namespace, or made in it.
func (s *stage) wantUntouched(before *corev1.Namespace) {
	s.t.Helper()
	if diff := cmp.Diff(before, s.namespace(before.Name)); diff != "" {
		s.t.Errorf("the namespace was touched (-before +after):\n%s", diff)
	}
	if names := s.childNames(before.Name); len(names) > 0 {
		s.t.Errorf("objects were made in it: %v", names)
	}
}

func TestController_NeverTouchesForeignNamespace(t *testing.T) {
	t.Parallel()
	for _, state := range []v1alpha1.State{v1alpha1.StateActive, v1alpha1.StateSuspended, v1alpha1.StateDeleted} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			s := newStage(t, stageOptions{})
			id := "taken-" + string(state[0]+'a'-'A')
			create(t, s.admin, theirs("flyte-"+id))
			before := s.namespace("flyte-" + id)
			w := s.workspace(id)
			w.Spec.State = state
			create(t, s.admin, w)
			if state == v1alpha1.StateDeleted {
				s.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonDeleted)
			} else {
				s.await(id, v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonConflict)
				s.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonConflict)
			}
			s.reconcile(id)
			s.wantUntouched(before)
			if projects := s.flyte.Projects(); len(projects) > 0 {
				t.Errorf("Flyte has the projects %v", projects)
			}
		})
	}
}

func TestController_ProvisionsWhenForeignNamespaceIsGone(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	create(t, s.admin, theirs("flyte-freed"))
	create(t, s.admin, s.workspace("freed"))
	s.await("freed", v1alpha1.ConditionReady, v1alpha1.ReasonConflict)
	s.deleteNamespace("flyte-freed")
	s.reconcile("freed")
	s.await("freed", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if diff := cmp.Diff(childrenOfActive, s.childNames("flyte-freed")); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

func TestController_GivesUpNamespaceWithoutLabel(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("disowned")
	s.alter("flyte-disowned", drift{object: "Namespace", change: dropLabel(v1alpha1.LabelWorkspace)})
	w := s.await("disowned", v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonConflict)
	if len(w.Status.Namespaces) > 0 {
		t.Errorf("the status still has the namespaces %v", w.Status.Namespaces)
	}
	namespace, versions := s.namespace("flyte-disowned"), s.resourceVersions("flyte-disowned")
	s.alter("flyte-disowned", drift{object: "ConfigMap/workspace-config", change: remove("data")})
	s.setState("disowned", v1alpha1.StateSuspended)
	s.await("disowned", v1alpha1.ConditionReady, v1alpha1.ReasonConflict)
	if diff := cmp.Diff(namespace, s.namespace("flyte-disowned")); diff != "" {
		t.Errorf("the namespace was touched (-before +after):\n%s", diff)
	}
	after := s.resourceVersions("flyte-disowned")
	delete(versions, "ConfigMap/workspace-config")
	delete(after, "ConfigMap/workspace-config")
	if diff := cmp.Diff(versions, after); diff != "" {
		t.Errorf("objects in it were touched (-before +after):\n%s", diff)
	}

	// With the label it is ours again, told by the watch.
	s.alter("flyte-disowned", drift{object: "Namespace", change: setLabel(v1alpha1.LabelWorkspace, "disowned")})
	s.await("disowned", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
}

func TestController_RecreatesDeletedNamespace(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("gone")
	// Someone's finalizer lets us see what stands in the status meanwhile.
	held := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: "held", Namespace: "flyte-gone", Finalizers: []string{"team.company.com/held"},
	}}
	create(t, s.admin, held)
	before := s.namespace("flyte-gone")
	must(t, s.admin.Delete(t.Context(), before.DeepCopy()))
	s.await("gone", v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonNamespaceTerminating)
	s.await("gone", v1alpha1.ConditionReady, v1alpha1.ReasonNamespaceTerminating)

	must(t, s.admin.Patch(t.Context(), held, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))))
	eventually(t, func(ctx context.Context) error {
		var now corev1.Namespace
		if err := s.admin.Get(ctx, client.ObjectKeyFromObject(before), &now); err != nil {
			return err
		}
		if now.UID == before.UID {
			return fmt.Errorf("it is the same namespace: %v", now.Status)
		}
		return nil
	})
	s.await("gone", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if diff := cmp.Diff(childrenOfActive, s.childNames("flyte-gone")); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}
