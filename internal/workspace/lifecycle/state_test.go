package lifecycle

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// access is who has which role in a namespace, as "role: kind name".
func (s *stage) access(namespace string) []string {
	s.t.Helper()
	var bindings rbacv1.RoleBindingList
	must(s.t, s.admin.List(s.t.Context(), &bindings, client.InNamespace(namespace)))
	var lines []string
	for _, b := range bindings.Items { // the API server lists by name
		for _, subject := range b.Subjects {
			lines = append(lines, b.Name+": "+subject.Kind+" "+subject.Name)
		}
	}
	return lines
}

var (
	fullAccess    = []string{"workspace-admin: User ana@company.com", "workspace-editor: Group ml-team"}
	reducedAccess = []string{"workspace-viewer: Group ml-team", "workspace-viewer: User ana@company.com"}
)

func (s *stage) wantAccess(namespace string, want []string) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.access(namespace)); diff != "" {
		s.t.Errorf("access (-want +got):\n%s", diff)
	}
}

func (s *stage) pods(namespace string) string {
	s.t.Helper()
	var quota corev1.ResourceQuota
	must(s.t, s.admin.Get(s.t.Context(), client.ObjectKey{Namespace: namespace, Name: "workspace-quota"}, &quota))
	pods := quota.Spec.Hard[corev1.ResourcePods]
	return pods.String()
}

func (s *stage) wantProject(id string, want admin.Project_ProjectState) {
	s.t.Helper()
	for _, p := range s.flyte.Projects() {
		if p.ID == id {
			if p.State != want {
				s.t.Errorf("the project %s is %s, want %s", id, p.State, want)
			}
			return
		}
	}
	s.t.Errorf("Flyte has no project %s", id)
}

func TestController_LocksAndRestores(t *testing.T) {
	t.Parallel()
	for state, reason := range map[v1alpha1.State]string{
		v1alpha1.StateSuspended: v1alpha1.ReasonSuspended, v1alpha1.StateDeleted: v1alpha1.ReasonDeleted,
	} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			s := newStage(t, stageOptions{})
			id := "lock-" + string(state[0]+'a'-'A')
			namespace := "flyte-" + id
			s.provisioned(id)
			s.setState(id, state)
			w := s.await(id, v1alpha1.ConditionReady, reason)
			want := []string{
				"NamespaceReady=True Applied", "QuotaApplied=True Applied", "AccessGranted=True AccessReduced",
				"NetworkIsolated=True Applied", "FlyteProjectRegistered=True Archived", "Ready=False " + reason,
			}
			if diff := cmp.Diff(want, conditions(w)); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
			s.wantAccess(namespace, reducedAccess)
			if pods := s.pods(namespace); pods != "0" {
				t.Errorf("the quota allows %s pods", pods)
			}
			s.wantProject(id, admin.Project_ARCHIVED)

			writes := s.requests.total()
			s.reconcile(id)
			if n := s.requests.total() - writes; n != 0 {
				t.Errorf("%d writes at rest: %v", n, s.requests.writes())
			}

			s.setState(id, v1alpha1.StateActive)
			s.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
			s.wantAccess(namespace, fullAccess)
			if pods := s.pods(namespace); pods != "200" {
				t.Errorf("the quota allows %s pods", pods)
			}
			s.wantProject(id, admin.Project_ACTIVE)
		})
	}
}

func TestController_TakesAccessAwayWhileFlyteIsDown(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("flytedown")
	s.flyte.SetUnavailable(true)
	s.setState("flytedown", v1alpha1.StateSuspended)
	w := s.await("flytedown", v1alpha1.ConditionReady, v1alpha1.ReasonFlyteUnavailable)
	want := []string{
		"NamespaceReady=True Applied", "QuotaApplied=True Applied", "AccessGranted=True AccessReduced",
		"NetworkIsolated=True Applied", "FlyteProjectRegistered=False FlyteUnavailable", "Ready=False FlyteUnavailable",
	}
	if diff := cmp.Diff(want, conditions(w)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	s.wantAccess("flyte-flytedown", reducedAccess)
}

func TestController_TakesAccessAwayWithoutTier(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	own := tier("locked-tier")
	create(t, s.admin, own)
	w := s.workspace("tierless")
	w.Spec.Tier = own.Name
	create(t, s.admin, w)
	s.await("tierless", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	must(t, s.admin.Delete(t.Context(), own))
	s.await("tierless", v1alpha1.ConditionReady, v1alpha1.ReasonTierNotFound)
	s.setState("tierless", v1alpha1.StateSuspended)
	s.await("tierless", v1alpha1.ConditionAccessGranted, v1alpha1.ReasonAccessReduced)
	s.await("tierless", v1alpha1.ConditionFlyteProjectRegistered, v1alpha1.ReasonArchived)
	s.await("tierless", v1alpha1.ConditionQuotaApplied, v1alpha1.ReasonTierNotFound)
	s.wantLocked("tierless")

	s.setState("tierless", v1alpha1.StateDeleted)
	got := s.await("tierless", v1alpha1.ConditionReady, v1alpha1.ReasonDeleted)
	want := []string{
		"NamespaceReady=True Applied", "QuotaApplied=True Applied", "AccessGranted=True AccessReduced",
		"NetworkIsolated=True Applied", "FlyteProjectRegistered=True Archived", "Ready=False Deleted",
	}
	if diff := cmp.Diff(want, conditions(got)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	s.wantLocked("tierless")
	writes := s.requests.total()
	s.reconcile("tierless")
	if n := s.requests.total() - writes; n != 0 {
		t.Errorf("%d writes at rest: %v", n, s.requests.writes())
	}
}

// wantLocked holds that members may only look, and nothing new starts.
func (s *stage) wantLocked(id string) {
	s.t.Helper()
	s.wantAccess("flyte-"+id, reducedAccess)
	s.wantProject(id, admin.Project_ARCHIVED)
	if pods := s.pods("flyte-" + id); pods != "0" {
		s.t.Errorf("the quota of %s allows %s pods", id, pods)
	}
}

func TestController_MakesNothingOfWhatWasNeverProvisioned(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	w := s.workspace("stillborn")
	w.Spec.State = v1alpha1.StateDeleted
	create(t, s.admin, w)
	got := s.await("stillborn", v1alpha1.ConditionReady, v1alpha1.ReasonDeleted)
	if diff := cmp.Diff(map[string]int{"PATCH workspaces/status": 1}, s.requests.writes()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if projects := s.flyte.Projects(); len(projects) > 0 {
		t.Errorf("Flyte has the projects %v", projects)
	}
	if got.Status.ProjectID != "" || got.Status.ConsoleURL != "" {
		t.Errorf("the status has a project that does not exist: %+v", got.Status)
	}
}

func TestController_AwaitsContent(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	w := s.workspace("contentless")
	w.Spec = v1alpha1.WorkspaceSpec{State: v1alpha1.StateSuspended, StateVersion: 3}
	create(t, s.admin, w)
	got := s.await("contentless", v1alpha1.ConditionReady, v1alpha1.ReasonAwaitingContent)
	if diff := cmp.Diff([]string{"Ready=False AwaitingContent"}, conditions(got)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"PATCH workspaces/status": 1}, s.requests.writes()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	s.change("contentless", func(w *v1alpha1.Workspace) { w.Spec = s.workspace("").Spec })
	s.await("contentless", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

func TestController_RefusesInvalidWorkspace(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	create(t, s.admin, s.workspace("system")) // its namespace would be Flyte's
	got := s.await("system", v1alpha1.ConditionReady, v1alpha1.ReasonInvalid)
	if diff := cmp.Diff([]string{"Ready=False Invalid"}, conditions(got)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	s.setState("system", v1alpha1.StateSuspended)
	s.await("system", v1alpha1.ConditionReady, v1alpha1.ReasonInvalid)
	for write := range s.requests.writes() {
		if write != "PATCH workspaces/status" {
			t.Errorf("there was a %s", write)
		}
	}
	err := s.admin.Get(t.Context(), client.ObjectKey{Name: "flyte-system"}, &corev1.Namespace{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("there is a namespace flyte-system, or %v", err)
	}
	if projects := s.flyte.Projects(); len(projects) > 0 {
		t.Errorf("Flyte has the projects %v", projects)
	}
}

// A rule that is new, or content that is gone, must not keep a workspace open that should be locked.
func TestController_LocksWhatItWouldNotProvision(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("outlawed")
	s.provisioned("emptied")
	s.stop()
	s = newStage(t, stageOptions{flyte: s.flyte, reserved: "flyte-outlawed"})
	s.change("emptied", func(w *v1alpha1.Workspace) { w.Spec.DisplayName = "" })
	for id, reason := range map[string]string{
		"outlawed": v1alpha1.ReasonInvalid, "emptied": v1alpha1.ReasonAwaitingContent,
	} {
		s.await(id, v1alpha1.ConditionReady, reason)
		s.wantAccess("flyte-"+id, fullAccess)
		s.setState(id, v1alpha1.StateSuspended)
		s.await(id, v1alpha1.ConditionReady, reason)
		s.await(id, v1alpha1.ConditionAccessGranted, v1alpha1.ReasonAccessReduced)
		s.wantAccess("flyte-"+id, reducedAccess)
		if pods := s.pods("flyte-" + id); pods != "0" {
			t.Errorf("the quota of %s allows %s pods", id, pods)
		}
		s.wantProject(id, admin.Project_ARCHIVED)
	}
}

// TestController_TakesAccessAwayWhileFlyteHangs has Flyte hang for as long as a Reconcile may take, so that what waits for it
// comes after that.
func TestController_TakesAccessAwayWhileFlyteHangs(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{flyteTimeout: reconcileTimeout})
	s.provisioned("hung")
	release := s.flyte.Hang()
	defer release()
	const others = workers + maxFlyteCalls
	for i := range others {
		create(t, s.admin, s.workspace(fmt.Sprintf("hung-%d", i)))
	}
	s.change("hung", func(w *v1alpha1.Workspace) { w.Spec.Description = "Flyte has to be told" })
	eventually(t, func(context.Context) error {
		if calls := s.flyte.Calls()["GetProject"]; calls < maxFlyteCalls {
			return fmt.Errorf("only %d calls of Flyte hang", calls)
		}
		return nil
	})
	s.setState("hung", v1alpha1.StateSuspended)
	began := time.Now()
	eventually(t, func(context.Context) error {
		if diff := cmp.Diff(reducedAccess, s.access("flyte-hung")); diff != "" {
			return fmt.Errorf("access (-want +got):\n%s", diff)
		}
		return nil
	})
	took := time.Since(began)
	t.Logf("access was reduced after %s", took.Round(time.Millisecond))
	if took >= reconcileTimeout {
		t.Errorf("taking access away took %s: it waited for Flyte", took)
	}
	release()
	s.await("hung", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	for i := range others {
		s.await(fmt.Sprintf("hung-%d", i), v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	}
}

// TestController_KeepsWhatBecameInvalid reserves the name of a workspace that is there: nothing new is provisioned, but
// access can still be taken away, and isolation is kept.
func TestController_KeepsWhatBecameInvalid(t *testing.T) {
	t.Parallel()
	before := newStage(t, stageOptions{})
	before.provisioned("since")
	before.leadership.lose()
	s := newStage(t, stageOptions{reserved: "flyte-since"})
	s.await("since", v1alpha1.ConditionReady, v1alpha1.ReasonInvalid)
	s.change("since", func(w *v1alpha1.Workspace) { w.Spec.Members = nil })
	eventually(t, func(context.Context) error {
		if access := s.access("flyte-since"); len(access) > 0 {
			return fmt.Errorf("still have access: %v", access)
		}
		return nil
	})
	policy := &networkingv1.NetworkPolicy{}
	policy.Namespace, policy.Name = "flyte-since", "workspace-isolation"
	must(t, s.admin.Delete(t.Context(), policy))
	eventually(t, func(ctx context.Context) error {
		return s.admin.Get(ctx, client.ObjectKeyFromObject(policy), &networkingv1.NetworkPolicy{})
	})
}

// TestController_RemovesAccessThatLostItsLabel takes our labels off a RoleBinding while nobody leads, so that no watch
// tells, and suspends the workspace.
func TestController_RemovesAccessThatLostItsLabel(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("unlabelled")
	s.leadership.lose()
	s.awaitIdle()
	var binding rbacv1.RoleBinding
	must(t, s.admin.Get(t.Context(), client.ObjectKey{Namespace: "flyte-unlabelled", Name: "workspace-admin"}, &binding))
	binding.Labels = nil
	must(t, s.admin.Update(t.Context(), &binding))
	s.setState("unlabelled", v1alpha1.StateSuspended)
	s.awaitUncached(&binding)
	s.lead()
	s.await("unlabelled", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	s.wantAccess("flyte-unlabelled", reducedAccess)
}

// awaitUncached waits until the service's cache no longer shows an object.
func (s *stage) awaitUncached(o client.Object) {
	s.t.Helper()
	eventually(s.t, func(ctx context.Context) error {
		err := s.mgr.GetCache().Get(ctx, client.ObjectKeyFromObject(o), &rbacv1.RoleBinding{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("the cache still shows %s: %w", o.GetName(), err)
	})
}
