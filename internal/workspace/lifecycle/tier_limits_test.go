package lifecycle

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// onTierOf is a Ready workspace on a tier of its own.
func (s *stage) onTierOf(id string, edit func(*v1alpha1.WorkspaceTierSpec)) {
	s.t.Helper()
	own := tier(id + "-tier")
	edit(&own.Spec)
	create(s.t, s.admin, own)
	w := s.workspace(id)
	w.Spec.Tier = own.Name
	create(s.t, s.admin, w)
	s.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

func (s *stage) message(id, condition, reason string) string {
	s.t.Helper()
	return meta.FindStatusCondition(s.await(id, condition, reason).Status.Conditions, condition).Message
}

// A tier that shuts a workspace out makes nothing new. What exists is kept to it, and can be locked.
func TestController_KeepsWorkspacesOffTiers(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.onTierOf("shut-out", func(spec *v1alpha1.WorkspaceTierSpec) { spec.AllowedWorkspaces = []string{"shut-*"} })
	s.changeTier("shut-out-tier", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.AllowedWorkspaces, spec.Quota.Default.Pods = []string{"others-*"}, "7"
	})
	got := s.await("shut-out", v1alpha1.ConditionReady, v1alpha1.ReasonTierNotAllowed)
	want := []string{
		"NamespaceReady=False TierNotAllowed", "QuotaApplied=False TierNotAllowed", "AccessGranted=True Applied",
		"NetworkIsolated=True TierNotAllowed", "FlyteProjectRegistered=True Applied", "Ready=False TierNotAllowed",
	}
	if diff := cmp.Diff(want, conditions(got)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	s.wantAccess("flyte-shut-out", fullAccess)
	if pods := s.pods("flyte-shut-out"); pods != "7" {
		t.Errorf("the quota allows %s pods", pods)
	}
	s.setState("shut-out", v1alpha1.StateSuspended)
	s.await("shut-out", v1alpha1.ConditionAccessGranted, v1alpha1.ReasonAccessReduced)
	s.await("shut-out", v1alpha1.ConditionFlyteProjectRegistered, v1alpha1.ReasonArchived)
	s.wantLocked("shut-out")

	w := s.workspace("never-in")
	w.Spec.Tier = "shut-out-tier"
	create(t, s.admin, w)
	s.await("never-in", v1alpha1.ConditionReady, v1alpha1.ReasonTierNotAllowed)
	err := s.admin.Get(t.Context(), client.ObjectKey{Name: "flyte-never-in"}, &corev1.Namespace{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("there is a namespace, or %v", err)
	}
}

func TestController_GivesEachDomainItsQuota(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{template: "{prefix}{project}-{domain}"})
	s.onTierOf("divided", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Domains = map[string]v1alpha1.TierDomain{
			"development": {Quota: v1alpha1.TierQuota{Maximum: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{Pods: "20"}}}},
			"staging":     {Quota: v1alpha1.TierQuota{Default: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{Pods: "50"}}}},
		}
	})
	s.wantPods("divided", map[string]string{"development": "20", "staging": "50", "production": "200"})
	if message := s.message("divided", v1alpha1.ConditionQuotaApplied, v1alpha1.ReasonApplied); message != "" {
		t.Errorf("the message is %q", message)
	}
	s.change("divided", func(w *v1alpha1.Workspace) { w.Spec.Quota.Pods = "300" })
	message := s.message("divided", v1alpha1.ConditionQuotaApplied, v1alpha1.ReasonQuotaClamped)
	if !strings.HasSuffix(message, "holds for: pods in development") {
		t.Errorf("the message is %q", message)
	}
	s.wantPods("divided", map[string]string{"development": "20", "staging": "300", "production": "300"})
	s.setState("divided", v1alpha1.StateSuspended)
	s.await("divided", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	s.wantPods("divided", map[string]string{"development": "0", "staging": "0", "production": "0"})
}

func (s *stage) wantPods(id string, want map[string]string) {
	s.t.Helper()
	got := map[string]string{}
	for domain := range want {
		got[domain] = s.pods("flyte-" + id + "-" + domain)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("pods (-want +got):\n%s", diff)
	}
}

func TestController_ReportsWhatATierCannotHaveHere(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.onTierOf("undivided", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Domains = map[string]v1alpha1.TierDomain{"production": {}, "elsewhere": {}}
	})
	message := s.message("undivided", v1alpha1.ConditionQuotaApplied, v1alpha1.ReasonDomainIgnored)
	if !strings.HasSuffix(message, "no namespace is of: elsewhere, production") {
		t.Errorf("the message is %q", message)
	}
	s.changeTier("undivided-tier", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.ServiceAccount.Annotations = v1alpha1.Annotations{"eks.amazonaws.com/role-arn": "role/{domain}", "a.com/b": "{workspace}"}
	})
	message = s.message("undivided", v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonTierInvalid)
	if !strings.Contains(message, "eks.amazonaws.com/role-arn") || strings.Contains(message, "a.com/b") {
		t.Errorf("the message is %q", message)
	}
	eventually(t, func(context.Context) error {
		if annotations := s.workload("undivided").Annotations; annotations["a.com/b"] != "undivided" || len(annotations) != 2 {
			return fmt.Errorf("the account has %v", annotations)
		}
		return nil
	})
}

func (s *stage) workload(id string) *corev1.ServiceAccount {
	s.t.Helper()
	account := &corev1.ServiceAccount{}
	must(s.t, s.admin.Get(s.t.Context(), client.ObjectKey{Namespace: "flyte-" + id, Name: "flyte-workload"}, account))
	return account
}
