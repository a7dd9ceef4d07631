package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// allDone are the outcomes of a workspace whose steps are all done.
func allDone() []outcome {
	var outcomes []outcome
	for _, condition := range v1alpha1.StepConditions() {
		outcomes = append(outcomes, done(condition, v1alpha1.ReasonApplied, ""))
	}
	return outcomes
}

func TestReady_DerivesFromSteps(t *testing.T) {
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
		{"all done", v1alpha1.StateActive, nil, v1alpha1.ReasonReady, "all resources are in place"},
		{
			"suspended", v1alpha1.StateSuspended, nil, v1alpha1.ReasonSuspended,
			"all resources are kept; members have read-only access, and nothing new starts",
		},
		{
			"deleted", v1alpha1.StateDeleted, nil, v1alpha1.ReasonDeleted,
			"locked and archived; a newer workspace.created restores it",
		},
		{
			"the first condition that is not done", v1alpha1.StateActive,
			[]outcome{project, network},
			v1alpha1.ReasonForbidden, "NetworkIsolated: no right",
		},
		{
			"a step before the state", v1alpha1.StateSuspended,
			[]outcome{project},
			v1alpha1.ReasonFlyteUnavailable, "FlyteProjectRegistered: no answer",
		},
		{"an outcome of Ready itself first", v1alpha1.StateActive, []outcome{network, invalid}, v1alpha1.ReasonInvalid, "a rule"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := &v1alpha1.Workspace{Spec: v1alpha1.WorkspaceSpec{State: c.state}}
			o := ready(w, append(allDone(), c.more...))
			if o.reason != c.reason || o.message != c.message || o.done != (len(c.more) == 0) {
				t.Errorf("Ready is %+v", o)
			}
		})
	}
}

func TestSetConditions_FirstNotDoneWins(t *testing.T) {
	t.Parallel()
	w := &v1alpha1.Workspace{Spec: v1alpha1.WorkspaceSpec{State: v1alpha1.StateActive}}
	w.Generation = 7
	failing := waiting(v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonForbidden, "first")
	later := waiting(v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonConflict, "second")
	setConditions(w, append(allDone(), failing, later))
	want := []string{
		"NamespaceReady=False Forbidden", "QuotaApplied=True Applied", "AccessGranted=True Applied",
		"NetworkIsolated=True Applied", "QueueReady=True Applied", "FlyteProjectRegistered=True Applied", "ObjectsApplied=True Applied",
		"Ready=False Forbidden",
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
		t.Errorf("conditions without an outcome (-want +got):\n%s", diff)
	}
	setConditions(w, []outcome{without(v1alpha1.ConditionObjectsApplied)})
	if meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionObjectsApplied) != nil {
		t.Errorf("a condition that does not apply stays: %v", conditions(w))
	}
}

func TestEventType(t *testing.T) {
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

func TestController_RepairsStatus(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	before := env.provisioned("status").Status
	for name, change := range map[string]func(*v1alpha1.WorkspaceStatus){
		"observedGeneration": func(st *v1alpha1.WorkspaceStatus) { st.ObservedGeneration = 7 },
		"namespaces":         func(st *v1alpha1.WorkspaceStatus) { st.Namespaces = []string{"kube-system"} },
		"project":            func(st *v1alpha1.WorkspaceStatus) { st.ProjectID = "another" },
		"no project":         func(st *v1alpha1.WorkspaceStatus) { st.ProjectID, st.ConsoleURL = "", "" },
		"console":            func(st *v1alpha1.WorkspaceStatus) { st.ConsoleURL = "https://example.com" },
		"no conditions":      func(st *v1alpha1.WorkspaceStatus) { st.Conditions = nil },
		"one condition":      func(st *v1alpha1.WorkspaceStatus) { st.Conditions[0].Status = metav1.ConditionFalse },
		"a message":          func(st *v1alpha1.WorkspaceStatus) { st.Conditions[1].Message = "foreign" },
		"Ready": func(st *v1alpha1.WorkspaceStatus) {
			i := slices.IndexFunc(st.Conditions, func(c metav1.Condition) bool { return c.Type == v1alpha1.ConditionReady })
			st.Conditions[i].Reason = v1alpha1.ReasonSuspended
		},
		"a foreign condition": func(st *v1alpha1.WorkspaceStatus) {
			foreign := metav1.Condition{Type: "Foreign", Status: metav1.ConditionTrue, Reason: "Foreign", LastTransitionTime: metav1.Now()}
			st.Conditions = append(st.Conditions, foreign)
		},
		"everything": func(st *v1alpha1.WorkspaceStatus) { *st = v1alpha1.WorkspaceStatus{} },
	} {
		var w v1alpha1.Workspace
		eventually(t, func(ctx context.Context) error {
			must(t, env.admin.Get(ctx, client.ObjectKey{Name: "status"}, &w))
			change(&w.Status)
			return env.admin.Status().Update(ctx, &w)
		})
		written := w.ResourceVersion
		eventually(t, func(ctx context.Context) error {
			must(t, env.admin.Get(ctx, client.ObjectKey{Name: "status"}, &w))
			ignored := []cmp.Option{
				cmpopts.IgnoreFields(metav1.Condition{}, "LastTransitionTime"),
				cmpopts.SortSlices(func(a, b metav1.Condition) bool { return a.Type < b.Type }),
			}
			if diff := cmp.Diff(before, w.Status, ignored...); diff != "" || w.ResourceVersion == written {
				return fmt.Errorf("%s: the status is not repaired (-want +got):\n%s", name, diff)
			}
			return nil
		})
	}
}

// A restart without a workspace service removes the reports from the status.
func TestController_RemovesReportsWithoutWorkspaceService(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	w := env.provisioned("unreported")
	before := w.DeepCopy()
	w.Status.Reported = &v1alpha1.Reported{Status: "ready", Digest: "x", Time: metav1.Now()}
	for _, condition := range []string{v1alpha1.ConditionReported, v1alpha1.ConditionUnlisted} {
		meta.SetStatusCondition(&w.Status.Conditions, metav1.Condition{Type: condition, Status: metav1.ConditionTrue, Reason: "Before"})
	}
	must(t, env.admin.Status().Patch(t.Context(), w, client.MergeFrom(before)))
	env.reconcile(w.Name)
	if status := env.get(w.Name).Status; status.Reported == nil || len(status.Conditions) != len(before.Status.Conditions)+2 {
		t.Fatalf("with a workspace service, the status is %+v", status)
	}
	env.stop()
	env = newTestEnv(t, envOptions{flyte: env.flyte, noWorkspaceService: true})
	eventually(t, func(context.Context) error {
		if diff := cmp.Diff(before.Status, env.get(w.Name).Status); diff != "" {
			return fmt.Errorf("the status (-want +got):\n%s", diff)
		}
		return nil
	})
}
