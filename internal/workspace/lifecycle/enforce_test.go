package lifecycle

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// provisionBlocker prevents a workspace from being provisioned. Its existing namespaces must still be enforced.
type provisionBlocker struct {
	reason string
	// restart are the options of a restart that the blocker needs, if any.
	restart *envOptions
	apply   func(*testEnv, string)
}

var provisionBlockers = map[string]provisionBlocker{
	"nothing": {},
	"tier-deleted": {reason: v1alpha1.ReasonTierNotFound, apply: func(env *testEnv, id string) {
		must(env.t, env.admin.Delete(env.t.Context(), tier(id+"-tier")))
	}},
	"tier-closed": {reason: v1alpha1.ReasonTierNotAllowed, apply: func(env *testEnv, id string) {
		env.changeTier(id+"-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.AllowedWorkspaces = []string{"another"} })
	}},
	"tier-unknown": {reason: v1alpha1.ReasonTierNotFound, apply: func(env *testEnv, id string) {
		env.update(id, func(w *v1alpha1.Workspace) { w.Spec.Tier = "none" })
	}},
	"tier-not-allowed": {reason: v1alpha1.ReasonTierNotAllowed, apply: func(env *testEnv, id string) {
		large := tier(id + "-large")
		large.Spec.AllowedWorkspaces, large.Spec.PodSecurity.Enforce = []string{"another"}, v1alpha1.PodSecurityPrivileged
		create(env.t, env.admin, large)
		env.update(id, func(w *v1alpha1.Workspace) { w.Spec.Tier = large.Name })
	}},
	"name-emptied": {reason: v1alpha1.ReasonAwaitingContent, apply: func(env *testEnv, id string) {
		env.update(id, func(w *v1alpha1.Workspace) { w.Spec.DisplayName = "" })
	}},
	"namespace-reserved": {reason: v1alpha1.ReasonInvalid, restart: &envOptions{reserved: "flyte-enforced-*"}},
	"too-many":           {restart: &envOptions{limits: workspace.NewLimits(1)}},
}

// A member is removed and objects drift, in every state of a workspace and under every provisionBlocker.
func TestController_EnforcesExistingNamespaces(t *testing.T) {
	t.Parallel()
	for name, blocker := range provisionBlockers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, envOptions{})
			ids := map[v1alpha1.State]string{}
			for _, state := range []v1alpha1.State{v1alpha1.StateActive, v1alpha1.StateSuspended, v1alpha1.StateDeleted} {
				ids[state] = strings.ToLower(fmt.Sprintf("enforced-%s-%s", name, state))
				env.provisionedOnTier(ids[state], func(*v1alpha1.WorkspaceTierSpec) {})
				env.update(ids[state], func(w *v1alpha1.Workspace) { w.Spec.Quota.Pods = "50" })
				env.await(ids[state], v1alpha1.ConditionReady, v1alpha1.ReasonReady)
			}
			if blocker.restart != nil {
				env.stop()
				blocker.restart.flyte = env.flyte
				env = newTestEnv(t, *blocker.restart)
			}
			for state, id := range ids {
				if blocker.apply != nil {
					blocker.apply(env, id)
				}
				if blocker.reason != "" {
					env.await(id, v1alpha1.ConditionReady, blocker.reason)
				}
				env.wantAccess("flyte-"+id, fullAccess)
				env.update(id, func(w *v1alpha1.Workspace) { w.Spec.Members, w.Spec.State = w.Spec.Members[:1], state })
				env.checkEnforced(id, state)
			}
		})
	}
}

// checkEnforced waits until one member has the access of the state and no other has any. Then it checks that drift is repaired.
func (env *testEnv) checkEnforced(id string, state v1alpha1.State) {
	env.t.Helper()
	namespace, role, pods := "flyte-"+id, "admin", "50"
	if state != v1alpha1.StateActive {
		role, pods = "viewer", "0"
	}
	want := []string{fmt.Sprintf("workspace-%s: User ana@company.com", role)}
	eventually(env.t, func(context.Context) error {
		if diff := cmp.Diff(want, env.access(namespace)); diff != "" {
			return fmt.Errorf("access to %s (-want +got):\n%s", id, diff)
		}
		if got := env.pods(namespace); got != pods {
			return fmt.Errorf("the quota of %s allows %s pods", id, got)
		}
		return nil
	})
	if state != v1alpha1.StateActive {
		env.await(id, v1alpha1.ConditionAccessGranted, v1alpha1.ReasonAccessReduced)
		env.await(id, v1alpha1.ConditionFlyteProjectRegistered, v1alpha1.ReasonArchived)
		env.wantProject(id, admin.Project_ARCHIVED)
	}
	env.awaitIdle()
	for _, d := range env.weakeningDrifts(namespace, role) {
		before, drifted := env.applyDrift(namespace, d)
		env.awaitRepaired(namespace, before, d.object, drifted)
	}
	policy := env.policy(id)
	must(env.t, env.admin.Delete(env.t.Context(), policy.DeepCopy()))
	env.awaitPolicy(id, policy.Spec)
	if level := env.namespace(namespace).Labels["pod-security.kubernetes.io/enforce"]; level != "baseline" {
		env.t.Errorf("the Pod Security Standard of %s is %q", id, level)
	}
}

// weakeningDrifts are changes that allow more in a namespace.
func (env *testEnv) weakeningDrifts(namespace, role string) []drift {
	all := []drift{
		{object: "RoleBinding/workspace-" + role, name: "subject added", change: addSubject},
		{object: "ResourceQuota/workspace-quota", name: "pods raised", change: set("9999", "spec", "hard", "pods")},
		{object: "Namespace", name: "Pod Security weakened", change: setLabel("pod-security.kubernetes.io/enforce", "privileged")},
		{object: "ConfigMap/workspace-config", name: "owner altered", change: set("eve@company.com", "data", "owner")},
	}
	for _, name := range env.networkPolicies(namespace) {
		all = append(all, drift{object: name, name: "all ingress allowed", change: openIngress})
	}
	return all
}
