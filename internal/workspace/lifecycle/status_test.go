package lifecycle

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// allDone are the outcomes of a workspace that has everything.
func allDone() []outcome {
	var outcomes []outcome
	for _, condition := range v1alpha1.StepConditions() {
		outcomes = append(outcomes, done(condition, v1alpha1.ReasonApplied, ""))
	}
	return outcomes
}

func TestReady_FollowsFromTheSteps(t *testing.T) {
	t.Parallel()
	network := waiting(v1alpha1.ConditionNetworkIsolated, v1alpha1.ReasonForbidden, "no right")
	project := waiting(v1alpha1.ConditionFlyteProjectRegistered, v1alpha1.ReasonFlyteUnavailable, "no answer")
	invalid := waiting(v1alpha1.ConditionReady, v1alpha1.ReasonInvalid, "a rule")
	for _, c := range []struct {
		name    string
		state   v1alpha1.State
		more    []outcome
		reason  string
		message string
	}{
		{"everything", v1alpha1.StateActive, nil, v1alpha1.ReasonReady, "all resources are in place"},
		{
			"suspended", v1alpha1.StateSuspended, nil, v1alpha1.ReasonSuspended,
			"all resources are kept; members have read-only access, and nothing new starts",
		},
		{
			"deleted", v1alpha1.StateDeleted, nil, v1alpha1.ReasonDeleted,
			"locked and archived; a newer workspace.created restores it",
		},
		{
			"the first condition that a person should read", v1alpha1.StateActive,
			[]outcome{project, network},
			v1alpha1.ReasonForbidden, "NetworkIsolated: no right",
		},
		{
			"a step before the state", v1alpha1.StateSuspended,
			[]outcome{project},
			v1alpha1.ReasonFlyteUnavailable, "FlyteProjectRegistered: no answer",
		},
		{"a reason of its own before all", v1alpha1.StateActive, []outcome{network, invalid}, v1alpha1.ReasonInvalid, "a rule"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := &v1alpha1.Workspace{Spec: v1alpha1.WorkspaceSpec{State: c.state}}
			o := ready(w, append(allDone(), c.more...))
			if o.reason != c.reason || o.message != c.message || o.done != (c.reason == v1alpha1.ReasonReady) {
				t.Errorf("Ready is %+v", o)
			}
		})
	}
}

func TestSettle_WritesTheWorstOfEachCondition(t *testing.T) {
	t.Parallel()
	w := &v1alpha1.Workspace{Spec: v1alpha1.WorkspaceSpec{State: v1alpha1.StateActive}}
	w.Generation = 7
	failing := waiting(v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonForbidden, "first")
	later := waiting(v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonConflict, "second")
	setConditions(w, append(allDone(), failing, later))
	want := []string{
		"NamespaceReady=False Forbidden", "QuotaApplied=True Applied", "AccessGranted=True Applied",
		"NetworkIsolated=True Applied", "FlyteProjectRegistered=True Applied", "Ready=False Forbidden",
	}
	if diff := cmp.Diff(want, conditions(w)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if w.Status.ObservedGeneration != 7 {
		t.Errorf("observedGeneration is %d", w.Status.ObservedGeneration)
	}
	before := w.DeepCopy()
	setConditions(w, append(allDone(), failing, later))
	if diff := cmp.Diff(before, w); diff != "" {
		t.Errorf("the same outcomes changed the status (-before +after):\n%s", diff)
	}
	setConditions(w, []outcome{waiting(v1alpha1.ConditionReady, v1alpha1.ReasonInvalid, "a rule")})
	want[len(want)-1] = "Ready=False Invalid"
	if diff := cmp.Diff(want, conditions(w)); diff != "" {
		t.Errorf("conditions that no step spoke of (-want +got):\n%s", diff)
	}
}

func TestEventType_WarnsOfWhatNeedsAPerson(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		v1alpha1.ReasonReady: "Normal", v1alpha1.ReasonSuspended: "Normal", v1alpha1.ReasonDeleted: "Normal",
		v1alpha1.ReasonAwaitingContent: "Normal", v1alpha1.ReasonConflict: "Warning",
		v1alpha1.ReasonInvalid: "Warning", v1alpha1.ReasonFlyteUnavailable: "Warning", v1alpha1.ReasonForbidden: "Warning",
	} {
		condition := (&v1alpha1.Workspace{}).ReadyCondition()
		condition.Reason = reason
		if got := eventType(condition); got != want {
			t.Errorf("%s is a %s", reason, got)
		}
	}
}

// TestController_ForgetsReportsWithoutAWorkspaceService starts the service again without a workspace service.
func TestController_ForgetsReportsWithoutAWorkspaceService(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	w := s.provisioned("unreported")
	before := w.DeepCopy()
	w.Status.Reported = &v1alpha1.Reported{Status: "ready", Digest: "x", Time: metav1.Now()}
	for _, condition := range []string{v1alpha1.ConditionReported, v1alpha1.ConditionUnlisted} {
		meta.SetStatusCondition(&w.Status.Conditions, metav1.Condition{Type: condition, Status: metav1.ConditionTrue, Reason: "Before"})
	}
	must(t, s.admin.Status().Patch(t.Context(), w, client.MergeFrom(before)))
	s.reconcile(w.Name)
	if status := s.get(w.Name).Status; status.Reported == nil || len(status.Conditions) != len(before.Status.Conditions)+2 {
		t.Fatalf("with a workspace service, the status is %+v", status)
	}
	s.stop()
	s = newStage(t, stageOptions{flyte: s.flyte, alone: true})
	eventually(t, func(context.Context) error {
		if diff := cmp.Diff(before.Status, s.get(w.Name).Status); diff != "" {
			return fmt.Errorf("the status (-want +got):\n%s", diff)
		}
		return nil
	})
}
