package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// workspace is an Active Workspace with one admin and one editor.
func (env *testEnv) workspace(id string) *v1alpha1.Workspace {
	return &v1alpha1.Workspace{
		ObjectMeta: metav1.ObjectMeta{Name: id, Labels: env.labels()},
		Spec: v1alpha1.WorkspaceSpec{
			DisplayName: "Fraud detection", Description: "Card fraud models", Owner: "ana@company.com",
			Tier: v1alpha1.DefaultTier, State: v1alpha1.StateActive, Version: 1, StateVersion: 1,
			Members: []v1alpha1.Member{
				{Kind: v1alpha1.MemberUser, Name: "ana@company.com", Role: v1alpha1.RoleAdmin},
				{Kind: v1alpha1.MemberGroup, Name: "ml-team", Role: v1alpha1.RoleEditor},
			},
			Labels: map[string]v1alpha1.LabelValue{"cost-center": "42"},
		},
	}
}

// provisioned creates a workspace and waits until it is Ready.
func (env *testEnv) provisioned(id string) *v1alpha1.Workspace {
	env.t.Helper()
	create(env.t, env.admin, env.workspace(id))
	return env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// deleted creates a workspace, and sets its state to Deleted once it is Ready.
func (env *testEnv) deleted(id string) *v1alpha1.Workspace {
	env.t.Helper()
	env.provisioned(id)
	env.setState(id, v1alpha1.StateDeleted)
	return env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonDeleted)
}

// createOnTier creates a workspace on a tier of its own, which is named after it.
func (env *testEnv) createOnTier(id string, edit func(*v1alpha1.WorkspaceTierSpec)) {
	env.t.Helper()
	own := tier(id + "-tier")
	edit(&own.Spec)
	create(env.t, env.admin, own)
	w := env.workspace(id)
	w.Spec.Tier = own.Name
	create(env.t, env.admin, w)
}

// provisionedOnTier creates a workspace on a tier of its own, and waits until it is Ready.
func (env *testEnv) provisionedOnTier(id string, edit func(*v1alpha1.WorkspaceTierSpec)) {
	env.t.Helper()
	env.createOnTier(id, edit)
	env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

func (env *testEnv) get(id string) *v1alpha1.Workspace {
	env.t.Helper()
	var w v1alpha1.Workspace
	must(env.t, env.admin.Get(env.t.Context(), client.ObjectKey{Name: id}, &w))
	return &w
}

// update changes a Workspace as another client.
func (env *testEnv) update(id string, edit func(*v1alpha1.Workspace)) {
	env.t.Helper()
	var w v1alpha1.Workspace
	must(env.t, env.admin.Get(env.t.Context(), client.ObjectKey{Name: id}, &w))
	before := w.DeepCopy()
	edit(&w)
	must(env.t, env.admin.Patch(env.t.Context(), &w, client.MergeFrom(before)))
}

func (env *testEnv) setState(id string, state v1alpha1.State) {
	env.t.Helper()
	env.update(id, func(w *v1alpha1.Workspace) { w.Spec.State = state })
}

func (env *testEnv) patchStatus(id string, edit func(*v1alpha1.WorkspaceStatus)) {
	env.t.Helper()
	var w v1alpha1.Workspace
	must(env.t, env.admin.Get(env.t.Context(), client.ObjectKey{Name: id}, &w))
	before := w.DeepCopy()
	edit(&w.Status)
	must(env.t, env.admin.Status().Patch(env.t.Context(), &w, client.MergeFrom(before)))
}

func (env *testEnv) changeTier(name string, edit func(*v1alpha1.WorkspaceTierSpec)) {
	env.t.Helper()
	var own v1alpha1.WorkspaceTier
	must(env.t, env.admin.Get(env.t.Context(), client.ObjectKey{Name: name}, &own))
	before := own.DeepCopy()
	edit(&own.Spec)
	must(env.t, env.admin.Patch(env.t.Context(), &own, client.MergeFrom(before)))
}

// await waits until the condition has the reason for the current generation, and returns the Workspace.
func (env *testEnv) await(id, condition, reason string) *v1alpha1.Workspace {
	env.t.Helper()
	var w v1alpha1.Workspace
	eventually(env.t, func(ctx context.Context) error {
		w = v1alpha1.Workspace{}
		if err := env.admin.Get(ctx, client.ObjectKey{Name: id}, &w); err != nil {
			return err
		}
		have := meta.FindStatusCondition(w.Status.Conditions, condition)
		if have == nil || have.Reason != reason || have.ObservedGeneration != w.Generation {
			return fmt.Errorf("%s of %s is not %s in %+v", condition, id, reason, w.Status)
		}
		return nil
	})
	return &w
}

// awaitAll waits for up to five minutes until the condition of want Workspaces of the test has the reason.
func (env *testEnv) awaitAll(condition, reason string, want int) {
	env.t.Helper()
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.Now().Add(5 * time.Minute); ; <-poll.C {
		var all v1alpha1.WorkspaceList
		must(env.t, env.admin.List(env.t.Context(), &all, client.MatchingLabels(env.labels())))
		got := 0
		for i := range all.Items {
			if have := meta.FindStatusCondition(all.Items[i].Status.Conditions, condition); have != nil && have.Reason == reason {
				got++
			}
		}
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			env.t.Fatalf("%d workspaces have %s=%s, want %d", got, condition, reason, want)
		}
	}
}

// awaitCachedVersion waits until the cache shows this resourceVersion of a Workspace.
func (env *testEnv) awaitCachedVersion(w *v1alpha1.Workspace) {
	env.t.Helper()
	eventually(env.t, func(ctx context.Context) error {
		var seen v1alpha1.Workspace
		if err := env.mgr.GetCache().Get(ctx, client.ObjectKeyFromObject(w), &seen); err != nil {
			return err
		}
		if seen.ResourceVersion != w.ResourceVersion {
			return fmt.Errorf("the cache shows %s at %s, not at %s", w.Name, seen.ResourceVersion, w.ResourceVersion)
		}
		return nil
	})
}

// awaitWorkspaceNotCached waits until the cache no longer shows a Workspace.
func (env *testEnv) awaitWorkspaceNotCached(id string) {
	env.t.Helper()
	eventually(env.t, func(ctx context.Context) error {
		var seen v1alpha1.Workspace
		if err := env.mgr.GetCache().Get(ctx, client.ObjectKey{Name: id}, &seen); err == nil {
			return errors.New("the cache still has the Workspace")
		}
		return nil
	})
}

// conditions are the conditions of w as lines of "type=status reason".
func conditions(w *v1alpha1.Workspace) []string {
	var lines []string
	for _, condition := range append(v1alpha1.StepConditions(), v1alpha1.ConditionReady) {
		if c := meta.FindStatusCondition(w.Status.Conditions, condition); c != nil {
			lines = append(lines, fmt.Sprintf("%s=%s %s", c.Type, c.Status, c.Reason))
		}
	}
	return lines
}

func (env *testEnv) conditionMessage(id, condition, reason string) string {
	env.t.Helper()
	return meta.FindStatusCondition(env.await(id, condition, reason).Status.Conditions, condition).Message
}

// awaitEvent waits for an Event of type Warning for a workspace.
func (env *testEnv) awaitEvent(id, reason string) {
	env.t.Helper()
	eventually(env.t, func(ctx context.Context) error {
		var all corev1.EventList
		if err := env.admin.List(ctx, &all); err != nil {
			return err
		}
		for i := range all.Items {
			e := &all.Items[i]
			if e.InvolvedObject.Name == id && e.Reason == reason && e.Type == corev1.EventTypeWarning {
				return nil
			}
		}
		return fmt.Errorf("no Event %s for %s", reason, id)
	})
}

func (env *testEnv) events(id string) []string {
	env.t.Helper()
	var all eventsv1.EventList
	must(env.t, env.admin.List(env.t.Context(), &all))
	var lines []string
	for _, e := range all.Items {
		if e.Regarding.Kind == "Workspace" && e.Regarding.Name == id {
			lines = append(lines, e.Type+" "+e.Reason)
		}
	}
	return lines
}

// awaitMetric waits until the gauges with these label values have these values.
func (env *testEnv) awaitMetric(want map[string]float64) {
	env.t.Helper()
	eventually(env.t, func(context.Context) error {
		families, err := env.metrics.Gather()
		if err != nil {
			return err
		}
		for _, family := range families {
			for _, metric := range family.GetMetric() {
				for _, label := range metric.GetLabel() {
					n, wanted := want[label.GetValue()]
					if got := metric.GetGauge().GetValue(); wanted && got != n {
						return fmt.Errorf("%s{%s} is %v, want %v", family.GetName(), label.GetValue(), got, n)
					}
				}
			}
		}
		return nil
	})
}
