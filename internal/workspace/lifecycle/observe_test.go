package lifecycle

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func TestController_WaitsForTier(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	w := env.workspace("early")
	w.Spec.Tier = "late-tier"
	create(t, env.admin, w)
	got := env.await("early", v1alpha1.ConditionReady, v1alpha1.ReasonTierNotFound)
	want := []string{
		"NamespaceReady=False TierNotFound", "QuotaApplied=False TierNotFound", "AccessGranted=False WaitingForNamespace",
		"NetworkIsolated=False WaitingForNamespace", "FlyteProjectRegistered=False WaitingForNamespace",
		"Ready=False TierNotFound",
	}
	if diff := cmp.Diff(want, conditions(got)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if projects := env.flyte.Projects(); len(projects) > 0 {
		t.Errorf("Flyte has the projects %v", projects)
	}
	create(t, env.admin, tier("late-tier"))
	env.await("early", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// A tier that no longer allows a workspace provisions nothing new. Existing namespaces follow the tier, and can be suspended.
func TestController_RejectsWorkspaceNotAllowedOnTier(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisionedOnTier("excluded", func(spec *v1alpha1.WorkspaceTierSpec) { spec.AllowedWorkspaces = []string{"excluded"} })
	env.changeTier("excluded-tier", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.AllowedWorkspaces, spec.Quota.Default.Pods = []string{"others-*"}, "7"
	})
	got := env.await("excluded", v1alpha1.ConditionReady, v1alpha1.ReasonTierNotAllowed)
	want := []string{
		"NamespaceReady=False TierNotAllowed", "QuotaApplied=False TierNotAllowed", "AccessGranted=True Applied",
		"NetworkIsolated=True TierNotAllowed", "FlyteProjectRegistered=True Applied", "Ready=False TierNotAllowed",
	}
	if diff := cmp.Diff(want, conditions(got)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	env.wantAccess("flyte-excluded", fullAccess)
	if pods := env.pods("flyte-excluded"); pods != "7" {
		t.Errorf("the quota allows %s pods", pods)
	}
	env.setState("excluded", v1alpha1.StateSuspended)
	env.await("excluded", v1alpha1.ConditionAccessGranted, v1alpha1.ReasonAccessReduced)
	env.await("excluded", v1alpha1.ConditionFlyteProjectRegistered, v1alpha1.ReasonArchived)
	env.wantSuspended("excluded")

	w := env.workspace("not-allowed")
	w.Spec.Tier = "excluded-tier"
	create(t, env.admin, w)
	env.await("not-allowed", v1alpha1.ConditionReady, v1alpha1.ReasonTierNotAllowed)
	err := env.admin.Get(t.Context(), client.ObjectKey{Name: "flyte-not-allowed"}, &corev1.Namespace{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("the workspace has a namespace, or %v", err)
	}
}

func TestController_ReportsIgnoredTierDomainsAndAnnotations(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisionedOnTier("one-namespace", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Domains = map[string]v1alpha1.TierDomain{"production": {}, "elsewhere": {}}
	})
	message := env.conditionMessage("one-namespace", v1alpha1.ConditionQuotaApplied, v1alpha1.ReasonDomainIgnored)
	if !strings.HasSuffix(message, "no namespace is of: elsewhere, production") {
		t.Errorf("the message is %q", message)
	}
	env.changeTier("one-namespace-tier", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.ServiceAccount.Annotations = v1alpha1.Annotations{"eks.amazonaws.com/role-arn": "role/{domain}", "a.com/b": "{workspace}"}
	})
	message = env.conditionMessage("one-namespace", v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonTierInvalid)
	if !strings.Contains(message, "eks.amazonaws.com/role-arn") || strings.Contains(message, "a.com/b") {
		t.Errorf("the message is %q", message)
	}
	eventually(t, func(context.Context) error {
		if annotations := env.workloadAccount("one-namespace").Annotations; annotations["a.com/b"] != "one-namespace" || len(annotations) != 2 {
			return fmt.Errorf("the account has %v", annotations)
		}
		return nil
	})
}
