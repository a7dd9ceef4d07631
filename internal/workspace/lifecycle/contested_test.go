package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// fight applies the change whenever somebody has undone it, until stop is called.
func (s *stage) fight(namespace string, d drift) (stop func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for last := ""; ctx.Err() == nil; <-ticker.C {
			o, err := s.object(namespace, d.object)
			if err != nil || o.GetResourceVersion() == last {
				continue
			}
			d.change(o)
			if s.admin.Update(ctx, o) == nil {
				last = o.GetResourceVersion()
			}
		}
	})
	return func() {
		cancel()
		group.Wait()
	}
}

func TestController_BacksOffFromAFight(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("fought-over")
	const policy = "NetworkPolicy/workspace-isolation"
	before, err := s.object("flyte-fought-over", policy)
	must(t, err)
	stop := s.fight("flyte-fought-over", drift{object: policy, change: set([]any{map[string]any{}}, "spec", "ingress")})
	defer stop()
	s.await("fought-over", v1alpha1.ConditionNetworkIsolated, v1alpha1.ReasonContested)
	s.await("fought-over", v1alpha1.ConditionReady, v1alpha1.ReasonContested)
	s.setState("fought-over", v1alpha1.StateSuspended) // what else there is to do goes on
	s.await("fought-over", v1alpha1.ConditionAccessGranted, v1alpha1.ReasonAccessReduced)
	s.await("fought-over", v1alpha1.ConditionNetworkIsolated, v1alpha1.ReasonContested)
	if n := s.requests.writes()["PATCH networkpolicies"]; n > 25 {
		t.Errorf("it was written %d times", n)
	}
	stop()
	s.repaired("flyte-fought-over", before, policy, "")
}

func TestController_RepairsItsStatus(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	before := s.provisioned("status").Status
	for name, change := range map[string]func(*v1alpha1.WorkspaceStatus){
		"observedGeneration": func(st *v1alpha1.WorkspaceStatus) { st.ObservedGeneration = 7 },
		"namespaces":         func(st *v1alpha1.WorkspaceStatus) { st.Namespaces = []string{"kube-system"} },
		"project":            func(st *v1alpha1.WorkspaceStatus) { st.ProjectID = "another" },
		"no project":         func(st *v1alpha1.WorkspaceStatus) { st.ProjectID, st.ConsoleURL = "", "" },
		"console":            func(st *v1alpha1.WorkspaceStatus) { st.ConsoleURL = "https://example.com" },
		"no conditions":      func(st *v1alpha1.WorkspaceStatus) { st.Conditions = nil },
		"one condition":      func(st *v1alpha1.WorkspaceStatus) { st.Conditions[0].Status = metav1.ConditionFalse },
		"a message":          func(st *v1alpha1.WorkspaceStatus) { st.Conditions[1].Message = "forged" },
		"Ready": func(st *v1alpha1.WorkspaceStatus) {
			i := slices.IndexFunc(st.Conditions, func(c metav1.Condition) bool { return c.Type == v1alpha1.ConditionReady })
			st.Conditions[i].Reason = v1alpha1.ReasonSuspended
		},
		"a condition of theirs": func(st *v1alpha1.WorkspaceStatus) {
			theirs := metav1.Condition{Type: "Theirs", Status: metav1.ConditionTrue, Reason: "Forged", LastTransitionTime: metav1.Now()}
			st.Conditions = append(st.Conditions, theirs)
		},
		"everything": func(st *v1alpha1.WorkspaceStatus) { *st = v1alpha1.WorkspaceStatus{} },
	} {
		var w v1alpha1.Workspace
		eventually(t, func(ctx context.Context) error {
			must(t, s.admin.Get(ctx, client.ObjectKey{Name: "status"}, &w))
			change(&w.Status)
			return s.admin.Status().Update(ctx, &w)
		})
		forged := w.ResourceVersion
		eventually(t, func(ctx context.Context) error {
			must(t, s.admin.Get(ctx, client.ObjectKey{Name: "status"}, &w))
			ignored := []cmp.Option{
				cmpopts.IgnoreFields(metav1.Condition{}, "LastTransitionTime"),
				cmpopts.SortSlices(func(a, b metav1.Condition) bool { return a.Type < b.Type }),
			}
			if diff := cmp.Diff(before, w.Status, ignored...); diff != "" || w.ResourceVersion == forged {
				return fmt.Errorf("%s: the status is not as it was (-want +got):\n%s", name, diff)
			}
			return nil
		})
	}
}

func addFinalizer(o *unstructured.Unstructured) { o.SetFinalizers([]string{"team.company.com/held"}) }

// held deletes an object that somebody's finalizer keeps, and tells how to let it go.
func (s *stage) held(namespace, name string) (letGo func()) {
	s.t.Helper()
	letGo = s.kept(namespace, name)
	o, err := s.object(namespace, name)
	must(s.t, err)
	must(s.t, s.admin.Delete(s.t.Context(), o))
	return letGo
}

// kept puts somebody's finalizer on an object, and tells how to let it go.
func (s *stage) kept(namespace, name string) (letGo func()) {
	s.t.Helper()
	s.alter(namespace, drift{object: name, change: addFinalizer})
	return func() {
		o, err := s.object(namespace, name)
		must(s.t, err)
		must(s.t, s.admin.Patch(s.t.Context(), o, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))))
	}
}

func TestController_NamesObjectThatAFinalizerKeeps(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("held")
	letGo := s.held("flyte-held", "ConfigMap/workspace-config")
	w := s.await("held", v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonObjectTerminating)
	want := []string{
		"NamespaceReady=False ObjectTerminating", "QuotaApplied=True Applied", "AccessGranted=True Applied",
		"NetworkIsolated=True Applied", "FlyteProjectRegistered=True Applied", "Ready=False ObjectTerminating",
	}
	if diff := cmp.Diff(want, conditions(w)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	letGo()
	s.await("held", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if diff := cmp.Diff(childrenOfActive, s.childNames("flyte-held")); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

// A RoleBinding grants as long as it is there, also while it is being deleted.
func TestController_TakesAccessAwayFromWhatAFinalizerKeeps(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("held-access")
	const binding = "RoleBinding/workspace-editor"
	letGo := s.held("flyte-held-access", binding)
	s.await("held-access", v1alpha1.ConditionAccessGranted, v1alpha1.ReasonObjectTerminating)
	s.setState("held-access", v1alpha1.StateSuspended)
	eventually(t, func(context.Context) error {
		o, err := s.object("flyte-held-access", binding)
		if err != nil {
			return err
		}
		if _, has := o.Object["subjects"]; has {
			return errors.New("it still has subjects")
		}
		return nil
	})
	s.await("held-access", v1alpha1.ConditionAccessGranted, v1alpha1.ReasonObjectTerminating)
	letGo()
	s.await("held-access", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
}
