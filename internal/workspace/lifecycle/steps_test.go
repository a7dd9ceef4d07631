package lifecycle

import (
	"strings"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func TestController_SuspendsAndResumes(t *testing.T) {
	t.Parallel()
	for state, reason := range map[v1alpha1.State]string{
		v1alpha1.StateSuspended: v1alpha1.ReasonSuspended, v1alpha1.StateDeleted: v1alpha1.ReasonDeleted,
	} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, envOptions{})
			id := "lock-" + string(state[0]+'a'-'A')
			namespace := "flyte-" + id
			env.provisioned(id)
			env.setState(id, state)
			w := env.await(id, v1alpha1.ConditionReady, reason)
			want := []string{
				"NamespaceReady=True Applied", "QuotaApplied=True Applied", "AccessGranted=True AccessReduced",
				"NetworkIsolated=True Applied", "FlyteProjectRegistered=True Archived", "Ready=True " + reason,
			}
			if diff := cmp.Diff(want, conditions(w)); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
			env.wantAccess(namespace, reducedAccess)
			if pods := env.pods(namespace); pods != "0" {
				t.Errorf("the quota allows %s pods", pods)
			}
			env.wantProject(id, admin.Project_ARCHIVED)

			writes := env.requests.total()
			env.reconcile(id)
			if n := env.requests.total() - writes; n != 0 {
				t.Errorf("%d writes at rest: %v", n, env.requests.writes())
			}

			env.setState(id, v1alpha1.StateActive)
			env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
			env.wantAccess(namespace, fullAccess)
			if pods := env.pods(namespace); pods != "200" {
				t.Errorf("the quota allows %s pods", pods)
			}
			env.wantProject(id, admin.Project_ACTIVE)
		})
	}
}

// wantSuspended checks that members have read-only access, the project is archived, and no pods can start.
func (env *testEnv) wantSuspended(id string) {
	env.t.Helper()
	env.wantAccess("flyte-"+id, reducedAccess)
	env.wantProject(id, admin.Project_ARCHIVED)
	if pods := env.pods("flyte-" + id); pods != "0" {
		env.t.Errorf("the quota of %s allows %s pods", id, pods)
	}
}

func TestController_CreatesNothingForDeletedWorkspace(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	w := env.workspace("never-created")
	w.Spec.State = v1alpha1.StateDeleted
	create(t, env.admin, w)
	got := env.await("never-created", v1alpha1.ConditionReady, v1alpha1.ReasonDeleted)
	if diff := cmp.Diff(map[string]int{"PATCH workspaces/status": 1}, env.requests.writes()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if projects := env.flyte.Projects(); len(projects) > 0 {
		t.Errorf("Flyte has the projects %v", projects)
	}
	if got.Status.ProjectID != "" || got.Status.ConsoleURL != "" {
		t.Errorf("the status has a project that does not exist: %+v", got.Status)
	}
}

func TestController_AwaitsContent(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	w := env.workspace("contentless")
	w.Spec = v1alpha1.WorkspaceSpec{State: v1alpha1.StateSuspended, StateVersion: 3}
	create(t, env.admin, w)
	got := env.await("contentless", v1alpha1.ConditionReady, v1alpha1.ReasonAwaitingContent)
	if diff := cmp.Diff([]string{"Ready=False AwaitingContent"}, conditions(got)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"PATCH workspaces/status": 1}, env.requests.writes()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	env.update("contentless", func(w *v1alpha1.Workspace) { w.Spec = env.workspace("").Spec })
	env.await("contentless", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

func TestController_RejectsInvalidWorkspace(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	create(t, env.admin, env.workspace("system")) // its namespace would be flyte-system
	got := env.await("system", v1alpha1.ConditionReady, v1alpha1.ReasonInvalid)
	if diff := cmp.Diff([]string{"Ready=False Invalid"}, conditions(got)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	env.setState("system", v1alpha1.StateSuspended)
	env.await("system", v1alpha1.ConditionReady, v1alpha1.ReasonInvalid)
	for write := range env.requests.writes() {
		if write != "PATCH workspaces/status" {
			t.Errorf("unexpected write: %s", write)
		}
	}
	err := env.admin.Get(t.Context(), client.ObjectKey{Name: "flyte-system"}, &corev1.Namespace{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("the namespace flyte-system exists, or %v", err)
	}
	if projects := env.flyte.Projects(); len(projects) > 0 {
		t.Errorf("Flyte has the projects %v", projects)
	}
}

func TestController_ClampsQuotaToLoweredMaximum(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	create(t, env.admin, tier("lowered-tier"))
	w := env.workspace("clamped")
	w.Spec.Tier = "lowered-tier"
	w.Spec.Quota.Pods = "300"
	create(t, env.admin, w)
	env.await("clamped", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	env.changeTier("lowered-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Quota.Maximum.Pods = "250" })
	got := env.await("clamped", v1alpha1.ConditionQuotaApplied, v1alpha1.ReasonQuotaClamped)
	want := []string{
		"NamespaceReady=True Applied", "QuotaApplied=True QuotaClamped", "AccessGranted=True Applied",
		"NetworkIsolated=True Applied", "FlyteProjectRegistered=True Applied", "Ready=True Ready",
	}
	if diff := cmp.Diff(want, conditions(got)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if pods := env.pods("flyte-clamped"); pods != "250" {
		t.Errorf("the quota allows %s pods", pods)
	}
}

func TestController_AppliesQuotaPerDomain(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{template: "{prefix}{project}-{domain}"})
	env.provisionedOnTier("divided", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Domains = map[string]v1alpha1.TierDomain{
			"development": {Quota: v1alpha1.TierQuota{Maximum: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{Pods: "20"}}}},
			"staging":     {Quota: v1alpha1.TierQuota{Default: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{Pods: "50"}}}},
		}
	})
	env.wantPods("divided", map[string]string{"development": "20", "staging": "50", "production": "200"})
	if message := env.conditionMessage("divided", v1alpha1.ConditionQuotaApplied, v1alpha1.ReasonApplied); message != "" {
		t.Errorf("the message is %q", message)
	}
	env.update("divided", func(w *v1alpha1.Workspace) { w.Spec.Quota.Pods = "300" })
	message := env.conditionMessage("divided", v1alpha1.ConditionQuotaApplied, v1alpha1.ReasonQuotaClamped)
	if !strings.HasSuffix(message, "holds for: pods in development") {
		t.Errorf("the message is %q", message)
	}
	env.wantPods("divided", map[string]string{"development": "20", "staging": "300", "production": "300"})
	env.setState("divided", v1alpha1.StateSuspended)
	env.await("divided", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	env.wantPods("divided", map[string]string{"development": "0", "staging": "0", "production": "0"})
}

func (env *testEnv) wantPods(id string, want map[string]string) {
	env.t.Helper()
	got := map[string]string{}
	for domain := range want {
		got[domain] = env.pods("flyte-" + id + "-" + domain)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		env.t.Errorf("pods (-want +got):\n%s", diff)
	}
}
