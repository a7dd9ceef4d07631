package lifecycle

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// hold keeps a namespace terminating until the function it returns is called.
func (s *stage) hold(namespace string) (release func()) {
	s.t.Helper()
	held := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: "held", Namespace: namespace, Finalizers: []string{"team.company.com/held"},
	}}
	create(s.t, s.admin, held)
	return func() {
		s.t.Helper()
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))
		must(s.t, s.admin.Patch(s.t.Context(), held, patch))
	}
}

func TestController_PurgesAfterGracePeriod(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{deletion: deletes, template: "{prefix}{project}-{domain}"})
	s.deleted("over")
	namespaces := []string{"flyte-over-development", "flyte-over-staging", "flyte-over-production"}
	s.advance(week, "over")
	for _, name := range namespaces {
		s.awaitGone(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	w := s.await("over", v1alpha1.ConditionReady, v1alpha1.ReasonPurged)
	if len(w.Status.Namespaces) > 0 || w.Status.LastPurgeAt == nil {
		t.Errorf("the status is %+v", w.Status)
	}
	s.wantProject("over", admin.Project_ARCHIVED)
}

func TestController_TellsOfStuckNamespace(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{deletion: deletes})
	s.deleted("stuck")
	release := s.hold("flyte-stuck")
	s.advance(week, "stuck")
	s.await("stuck", v1alpha1.ConditionReady, v1alpha1.ReasonPurging)
	eventually(t, func(context.Context) error { // the namespace controller says what it waits for
		if n := s.namespace("flyte-stuck"); len(n.Status.Conditions) == 0 {
			return fmt.Errorf("the namespace is %+v", n.Status)
		}
		return nil
	})
	s.advance(stuckAfter, "stuck")
	w := s.await("stuck", v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonPurgeStuck)
	since := s.namespace("flyte-stuck").DeletionTimestamp.UTC().Format(time.RFC3339)
	message := w.ReadyCondition().Message
	for _, part := range []string{`namespace "flyte-stuck" has been terminating since ` + since, "team.company.com/held"} {
		if !strings.Contains(message, part) {
			t.Errorf("the message lacks %q: %s", part, message)
		}
	}
	writes := s.requests.total()
	s.reconcile("stuck")
	if n := s.requests.total() - writes; n != 0 {
		t.Errorf("%d writes for a namespace that is terminating already", n)
	}
	s.wantMetric(map[string]float64{"stuck": 1, "purging": 0})
	release()
	s.await("stuck", v1alpha1.ConditionReady, v1alpha1.ReasonPurged) // told by the watch
	s.wantMetric(map[string]float64{"stuck": 0, "tombstone": 1})
}

// A created that comes too late waits for the end and gets everything anew.
func TestController_MakesAnewWhatIsWantedAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{deletion: deletes})
	s.deleted("again")
	before := s.namespace("flyte-again")
	release := s.hold("flyte-again")
	s.advance(week, "again")
	s.await("again", v1alpha1.ConditionReady, v1alpha1.ReasonPurging)
	s.setState("again", v1alpha1.StateActive)
	s.await("again", v1alpha1.ConditionReady, v1alpha1.ReasonPurging)
	release()
	w := s.await("again", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if s.namespace("flyte-again").UID == before.UID || w.Status.Deletion != nil || w.Status.LastPurgeAt == nil {
		t.Errorf("it was not made anew: %+v", w.Status)
	}
	if diff := cmp.Diff(childrenOfActive, s.childNames("flyte-again")); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	s.wantProject("again", admin.Project_ACTIVE)
	s.advance(2*week, "again")
	s.namespace("flyte-again")
}

// TestController_SleepingLeaderDeletesNothing lets a leader sleep at each place of the protocol while the workspace is
// restored.
func TestController_SleepingLeaderDeletesNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{deletion: deletes})
	w := s.deleted("sleepy")
	ref := w.Status.Deletion.Namespaces[0]
	read, err := s.controller.Applier.GetOwnedNamespace(t.Context(), ref, "sleepy")
	must(t, err)
	s.setState("sleepy", v1alpha1.StateActive)
	s.await("sleepy", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	s.advance(week)

	if _, err := s.controller.beginPurge(t.Context(), w.DeepCopy()); !apierrors.IsConflict(err) {
		t.Errorf("before it records the begin: %v", err)
	}
	if err := s.controller.Applier.DeleteNamespace(t.Context(), read); !apierrors.IsConflict(err) {
		t.Errorf("before it deletes: %v", err)
	}
	if s.namespace("flyte-sleepy").DeletionTimestamp != nil {
		t.Error("the namespace is removed")
	}
}

func TestController_PurgesNothingThatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	for name, give := range map[string]func(s *stage, name string){
		"remade": func(s *stage, name string) { // under the same name, by somebody else
			s.deleteNamespace(name)
			create(s.t, s.admin, theirs(name))
		},
		"disowned": func(s *stage, name string) {
			s.alter(name, drift{object: "Namespace", change: dropLabel(v1alpha1.LabelWorkspace)})
		},
		"handed": func(s *stage, name string) {
			s.alter(name, drift{object: "Namespace", change: setLabel(v1alpha1.LabelWorkspace, "another")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, stageOptions{deletion: deletes})
			id := "alien-" + name
			w := s.deleted(id)
			var before *corev1.Namespace
			s.whileNobodyLeads(func() { // so that the status names it when the grace period ends
				give(s, "flyte-"+id)
				before = s.namespace("flyte-" + id)
				s.advance(week)
			})
			s.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonPurged)
			if diff := cmp.Diff(before, s.namespace("flyte-"+id)); diff != "" {
				t.Errorf("the namespace was touched (-before +after):\n%s", diff)
			}
			if n := s.requests.writes()["DELETE namespaces"]; n > 0 {
				t.Errorf("%d deletes, of %v", n, w.Status.Deletion.Namespaces)
			}
		})
	}
}

// A policy that is Archive again stops a purge that has begun: what is not being deleted yet is kept.
func TestController_StopsPurgingWithThePolicy(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{deletion: deletes, template: "{prefix}{project}-{domain}"})
	s.deleted("halted")
	s.stop()
	w := s.get("halted")
	before := w.DeepCopy()
	now := metav1.Now()
	w.Status.Deletion.PurgeStartedAt = &now // and killed after that
	must(t, s.admin.Status().Patch(t.Context(), w, client.MergeFrom(before)))
	s.deleteNamespace("flyte-halted-staging")
	s = newStage(t, stageOptions{flyte: s.flyte, template: s.template})
	eventually(t, func(context.Context) error {
		d := s.get("halted").Status.Deletion
		if d == nil || d.Policy != v1alpha1.DeletionArchive || d.PurgeStartedAt != nil || d.PurgeAt != nil {
			return fmt.Errorf("the deletion is %+v", d)
		}
		return nil
	})
	for _, domain := range []string{"development", "production"} {
		if n := s.namespace("flyte-halted-" + domain); n.DeletionTimestamp != nil || n.Annotations["platform.company.com/kept-at"] == "" {
			t.Errorf("%s was not kept: %+v", n.Name, n.ObjectMeta)
		}
	}
}
