package life

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// restrictedTier creates a tier for the workspaces whose ids begin with its name.
func restrictedTier(t *testing.T, name string) *v1alpha1.WorkspaceTier {
	t.Helper()
	env := shared.Env()
	tier := &v1alpha1.WorkspaceTier{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.WorkspaceTierSpec{
		AllowedWorkspaces: []string{name + "-*"},
		Quota: v1alpha1.TierQuota{
			Default: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{Pods: "40"}, Services: "7"},
			Maximum: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{CPU: "30"}},
		},
		GPUResource: "amd.com/gpu",
		ServiceAccount: v1alpha1.TierServiceAccount{Annotations: v1alpha1.Annotations{
			"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/{namespace}",
		}},
		Network: v1alpha1.TierNetwork{
			EKSPodIdentity: true,
			Scrapers:       []v1alpha1.NamespacePods{{Namespace: "monitoring", Ports: []v1alpha1.NetworkPort{{Port: 9090}}}},
		},
	}}
	harness.Must(t, env.Admin.Create(t.Context(), tier))
	return tier
}

// TestTierIsWhatAWorkspaceGets follows a tier to its workspaces, before and after it changes.
func TestTierIsWhatAWorkspaceGets(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	tier := restrictedTier(t, "whole-tier")
	env.CreateOnTier(t, harness.Data("whole-tier-1", 1), tier.Name)
	const namespace = "flyte-whole-tier-1"
	hard := harness.Get(t, env, &corev1.ResourceQuota{}, namespace, "workspace-quota").Spec.Hard
	got := map[corev1.ResourceName]string{}
	for _, key := range []corev1.ResourceName{"pods", "services", "requests.cpu", "requests.amd.com/gpu"} {
		amount := hard[key]
		got[key] = amount.String()
	}
	want := map[corev1.ResourceName]string{"pods": "40", "services": "7", "requests.cpu": "20", "requests.amd.com/gpu": "2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("quota (-want +got):\n%s", diff)
	}
	account := harness.Get(t, env, &corev1.ServiceAccount{}, namespace, "flyte-workload")
	if arn := account.Annotations["eks.amazonaws.com/role-arn"]; arn != "arn:aws:iam::123456789012:role/"+namespace {
		t.Errorf("the account's role is %q", arn)
	}
	policy := harness.Get(t, env, &networkingv1.NetworkPolicy{}, namespace, "workspace-isolation")
	egress, ingress := len(policy.Spec.Egress), len(policy.Spec.Ingress)
	if ingress != 2 {
		t.Errorf("the policy is %+v", policy.Spec)
	}

	env.ChangeTier(t, tier.Name, func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.ServiceAccount, spec.Network, spec.Quota.Default.Pods = v1alpha1.TierServiceAccount{}, v1alpha1.TierNetwork{}, "41"
	})
	harness.Eventually(t, "what the tier added to be gone", func(context.Context) bool {
		policy := harness.Get(t, env, &networkingv1.NetworkPolicy{}, namespace, policy.Name).Spec
		pods := harness.Get(t, env, &corev1.ResourceQuota{}, namespace, "workspace-quota").Spec.Hard[corev1.ResourcePods]
		account := harness.Get(t, env, &corev1.ServiceAccount{}, namespace, "flyte-workload")
		return len(policy.Egress) == egress-1 && len(policy.Ingress) == ingress-1 && pods.String() == "41" && len(account.Annotations) == 0
	})
}

// TestTierLeavesWorkspacesOut sends a workspace that the tier doesn't allow: the answer names the field.
func TestTierLeavesWorkspacesOut(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	restrictedTier(t, "closed-tier")
	env.CreateOnTier(t, harness.Data("closed-tier-1", 1), "closed-tier")
	data := harness.Data("not-in-the-tier", 1)
	data.Tier = "closed-tier"
	refused := env.Send(t, harness.NewMessage(t, workspace.EventCreated, data))
	var answer struct{ Errors []workspace.FieldError }
	if err := json.Unmarshal([]byte(refused.Body), &answer); err != nil {
		t.Fatal(err)
	}
	want := []workspace.FieldError{{Field: "data.tier", Message: "must be a WorkspaceTier that allows this workspace"}}
	if diff := cmp.Diff(want, answer.Errors); diff != "" || refused.Status != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", refused.Status, diff)
	}
}

// TestTierInUseIsNotDeleted deletes a tier before and after its workspace.
func TestTierInUseIsNotDeleted(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	tier := restrictedTier(t, "used-tier")
	env.CreateOnTier(t, harness.Data("used-tier-1", 1), tier.Name)
	harness.Eventually(t, "the deletion to be refused", func(ctx context.Context) bool {
		err := env.Admin.Delete(ctx, tier, client.DryRunAll)
		return err != nil && strings.Contains(err.Error(), "in use by the workspace used-tier-1")
	})
	env.Deliver(t, harness.NewMessage(t, workspace.EventDeleted, workspace.Data{WorkspaceID: "used-tier-1", Version: 2}))
	env.AwaitReason(t, "used-tier-1", v1alpha1.ReasonDeleted)
	harness.Eventually(t, "the deletion to be accepted", func(ctx context.Context) bool { return env.Admin.Delete(ctx, tier) == nil })
	harness.Eventually(t, "the workspace to stay locked without the tier", func(context.Context) bool {
		pods := harness.Get(t, env, &corev1.ResourceQuota{}, "flyte-used-tier-1", "workspace-quota").Spec.Hard
		amount := pods[corev1.ResourcePods]
		return amount.IsZero() && len(pods) == 3
	})
	env.AwaitReason(t, "used-tier-1", v1alpha1.ReasonDeleted)
}

// TestTierSaysHowFarItIs waits for the status of a tier with a workspace.
func TestTierSaysHowFarItIs(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	tier := restrictedTier(t, "counted-tier")
	env.CreateOnTier(t, harness.Data("counted-tier-1", 1), tier.Name)
	harness.Eventually(t, "the tier to be rolled out", func(context.Context) bool {
		status := harness.Get(t, env, &v1alpha1.WorkspaceTier{}, "", tier.Name).Status
		return status.Conforming == 1 && meta.IsStatusConditionTrue(status.Conditions, v1alpha1.TierConditionRolledOut)
	})
}
