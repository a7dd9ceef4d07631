package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// hindrance is something that keeps a workspace from being provisioned. What exists must be enforced nevertheless.
type hindrance struct {
	reason string
	// restart are the options of the service after the hindrance, if it takes a restart.
	restart *stageOptions
	apply   func(*stage, string)
}

var hindrances = map[string]hindrance{
	"nothing": {},
	"tier-deleted": {reason: v1alpha1.ReasonTierNotFound, apply: func(s *stage, id string) {
		must(s.t, s.admin.Delete(s.t.Context(), tier(id+"-tier")))
	}},
	"tier-closed": {reason: v1alpha1.ReasonTierNotAllowed, apply: func(s *stage, id string) {
		s.changeTier(id+"-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.AllowedWorkspaces = []string{"another"} })
	}},
	"tier-unknown": {reason: v1alpha1.ReasonTierNotFound, apply: func(s *stage, id string) {
		s.change(id, func(w *v1alpha1.Workspace) { w.Spec.Tier = "none" })
	}},
	"tier-not-allowed": {reason: v1alpha1.ReasonTierNotAllowed, apply: func(s *stage, id string) {
		large := tier(id + "-large")
		large.Spec.AllowedWorkspaces, large.Spec.PodSecurity.Enforce = []string{"another"}, v1alpha1.PodSecurityPrivileged
		create(s.t, s.admin, large)
		s.change(id, func(w *v1alpha1.Workspace) { w.Spec.Tier = large.Name })
	}},
	"name-emptied": {reason: v1alpha1.ReasonAwaitingContent, apply: func(s *stage, id string) {
		s.change(id, func(w *v1alpha1.Workspace) { w.Spec.DisplayName = "" })
	}},
	"namespace-reserved": {reason: v1alpha1.ReasonInvalid, restart: &stageOptions{reserved: "flyte-enforced-*"}},
	"too-many":           {restart: &stageOptions{limits: workspace.NewLimits(1)}},
}

// TestController_EnforcesWhatExists takes a member away and alters what exists by hand, in every state of a workspace and
// whatever keeps it from being provisioned.
func TestController_EnforcesWhatExists(t *testing.T) {
	t.Parallel()
	for name, h := range hindrances {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, stageOptions{})
			ids := map[v1alpha1.State]string{}
			for _, state := range []v1alpha1.State{v1alpha1.StateActive, v1alpha1.StateSuspended, v1alpha1.StateDeleted} {
				ids[state] = strings.ToLower(fmt.Sprintf("enforced-%s-%s", name, state))
				s.onTierOf(ids[state], func(*v1alpha1.WorkspaceTierSpec) {})
				s.change(ids[state], func(w *v1alpha1.Workspace) { w.Spec.Quota.Pods = "50" })
				s.await(ids[state], v1alpha1.ConditionReady, v1alpha1.ReasonReady)
			}
			if h.restart != nil {
				s.stop()
				h.restart.flyte = s.flyte
				s = newStage(t, *h.restart)
			}
			for state, id := range ids {
				if h.apply != nil {
					h.apply(s, id)
				}
				if h.reason != "" {
					s.await(id, v1alpha1.ConditionReady, h.reason)
				}
				s.change(id, func(w *v1alpha1.Workspace) { w.Spec.Members, w.Spec.State = w.Spec.Members[:1], state })
				s.wantEnforced(id, state)
			}
		})
	}
}

// wantEnforced waits until one admin alone has the access that the state gives, and then alters each object by hand.
func (s *stage) wantEnforced(id string, state v1alpha1.State) {
	s.t.Helper()
	namespace, role, pods := "flyte-"+id, "admin", "50"
	if state != v1alpha1.StateActive {
		role, pods = "viewer", "0"
	}
	want := []string{fmt.Sprintf("workspace-%s: User ana@company.com", role)}
	eventually(s.t, func(context.Context) error {
		if diff := cmp.Diff(want, s.access(namespace)); diff != "" {
			return fmt.Errorf("access to %s (-want +got):\n%s", id, diff)
		}
		if got := s.pods(namespace); got != pods {
			return fmt.Errorf("the quota of %s allows %s pods", id, got)
		}
		return nil
	})
	s.awaitIdle()
	for _, d := range s.weakenings(namespace, role) {
		before, altered := s.alter(namespace, d)
		s.repaired(namespace, before, d.object, altered)
	}
	if level := s.namespace(namespace).Labels["pod-security.kubernetes.io/enforce"]; level != "baseline" {
		s.t.Errorf("the Pod Security Standard of %s is %q", id, level)
	}
}

// weakenings are changes by hand that let somebody do more in a namespace.
func (s *stage) weakenings(namespace, role string) []drift {
	all := []drift{
		{object: "RoleBinding/workspace-" + role, name: "subject added", change: addEve},
		{object: "ResourceQuota/workspace-quota", name: "pods raised", change: set("9999", "spec", "hard", "pods")},
		{object: "Namespace", name: "Pod Security weakened", change: setLabel("pod-security.kubernetes.io/enforce", "privileged")},
		{object: "ConfigMap/workspace-config", name: "owner altered", change: set("eve@company.com", "data", "owner")},
	}
	for _, name := range s.networkPolicies(namespace) {
		all = append(all, drift{object: name, name: "opened", change: openIngress})
	}
	return all
}

func (s *stage) networkPolicies(namespace string) []string {
	s.t.Helper()
	isOther := func(name string) bool { return !strings.HasPrefix(name, "NetworkPolicy/") }
	return slices.DeleteFunc(s.childNames(namespace), isOther)
}

func addEve(o *unstructured.Unstructured) {
	subjects, _, _ := unstructured.NestedSlice(o.Object, "subjects")
	eve := map[string]any{"apiGroup": rbacv1.GroupName, "kind": "User", "name": "eve@company.com"}
	set(append(subjects, eve), "subjects")(o)
}

func openIngress(o *unstructured.Unstructured) {
	set([]any{map[string]any{}}, "spec", "ingress")(o)
	set([]any{"Egress", "Ingress"}, "spec", "policyTypes")(o)
}

// TestController_RevokesAccessInATerminatingNamespace has finalizers of somebody else keep objects in a namespace that is
// being deleted.
func TestController_RevokesAccessInATerminatingNamespace(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	for state, want := range map[v1alpha1.State][]string{
		v1alpha1.StateActive: {"workspace-admin: User ana@company.com"}, v1alpha1.StateSuspended: nil, v1alpha1.StateDeleted: nil,
	} {
		id := strings.ToLower(fmt.Sprintf("dying-%s", state))
		namespace := "flyte-" + id
		s.provisioned(id)
		policy := s.networkPolicies(namespace)[0]
		kept := []string{"RoleBinding/workspace-admin", "RoleBinding/workspace-editor", policy}
		var letGo []func()
		for _, name := range kept {
			letGo = append(letGo, s.kept(namespace, name))
		}
		must(t, s.admin.Delete(t.Context(), s.namespace(namespace)))
		s.await(id, v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonNamespaceTerminating)
		s.wantAccess(namespace, fullAccess)

		s.change(id, func(w *v1alpha1.Workspace) { w.Spec.Members, w.Spec.State = w.Spec.Members[:1], state })
		hasAccess := func(context.Context) error {
			if diff := cmp.Diff(want, s.access(namespace)); diff != "" {
				return fmt.Errorf("access to %s (-want +got):\n%s", id, diff)
			}
			return nil
		}
		eventually(t, hasAccess)
		s.alter(namespace, drift{object: "RoleBinding/workspace-editor", change: addEve})
		eventually(t, hasAccess)
		before, altered := s.alter(namespace, drift{object: policy, change: openIngress})
		s.repaired(namespace, before, policy, altered)
		for _, release := range letGo {
			release()
		}
		s.await(id, v1alpha1.ConditionReady, map[v1alpha1.State]string{
			v1alpha1.StateActive: v1alpha1.ReasonReady, v1alpha1.StateSuspended: v1alpha1.ReasonSuspended,
			v1alpha1.StateDeleted: v1alpha1.ReasonDeleted,
		}[state])
	}
}

// TestController_RevokesAccessDuringAPurge restores a workspace without its members while its namespace is being removed.
func TestController_RevokesAccessDuringAPurge(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{deletion: deletes})
	s.deleted("purged-access")
	const namespace = "flyte-purged-access"
	letGo := s.held(namespace, "RoleBinding/workspace-viewer")
	s.advance(week, "purged-access")
	s.await("purged-access", v1alpha1.ConditionReady, v1alpha1.ReasonPurging)
	s.wantAccess(namespace, reducedAccess)
	s.change("purged-access", func(w *v1alpha1.Workspace) { w.Spec.Members, w.Spec.State = nil, v1alpha1.StateActive })
	eventually(t, func(context.Context) error {
		if access := s.access(namespace); len(access) > 0 {
			return errors.New("still have access: " + strings.Join(access, ", "))
		}
		return nil
	})
	letGo()
	s.await("purged-access", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// TestController_RevokesAccessWhileTheTierCannotBeRead: access waits for nothing.
func TestController_RevokesAccessWhileTheTierCannotBeRead(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("unread")
	s.looks.noTier.Store(true)
	s.change("unread", func(w *v1alpha1.Workspace) { w.Spec.Members = w.Spec.Members[:1] })
	s.await("unread", v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonKubernetesUnavailable)
	s.wantAccess("flyte-unread", []string{"workspace-admin: User ana@company.com"})
	s.looks.noTier.Store(false)
	s.await("unread", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}
