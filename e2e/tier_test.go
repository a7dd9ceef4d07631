package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// makeTier makes a tier as the platform team does, for the workspaces whose ids begin with its name.
func makeTier(t *testing.T, name string) *v1alpha1.WorkspaceTier {
	t.Helper()
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
	if err := world.admin.Create(t.Context(), tier); err != nil {
		t.Fatal(err)
	}
	return tier
}

// onTier is a workspace of the tier that is Ready. The edge takes it as soon as it has seen the tier.
func onTier(t *testing.T, id, tier string) {
	t.Helper()
	data := team(id, 1)
	data.Tier = tier
	newMessage(t, workspace.EventCreated, data).sendOnNewTier(t)
	settled(t, id, v1alpha1.ReasonReady)
}

func (m message) sendOnNewTier(t *testing.T) {
	t.Helper()
	eventually(t, "the edge to know the tier", func(context.Context) bool { return m.send(t).Status < http.StatusMultipleChoices })
}

// TestTierIsWhatAWorkspaceGets follows a tier to its workspaces, while it changes, under the account of the chart.
func TestTierIsWhatAWorkspaceGets(t *testing.T) {
	tier := makeTier(t, "whole-tier")
	onTier(t, "whole-tier-1", tier.Name)
	const namespace = "flyte-whole-tier-1"
	hard := live(t, &corev1.ResourceQuota{}, namespace, "workspace-quota").Spec.Hard
	got := map[corev1.ResourceName]string{}
	for _, key := range []corev1.ResourceName{"pods", "services", "requests.cpu", "requests.amd.com/gpu"} {
		amount := hard[key]
		got[key] = amount.String()
	}
	want := map[corev1.ResourceName]string{"pods": "40", "services": "7", "requests.cpu": "20", "requests.amd.com/gpu": "2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("quota (-want +got):\n%s", diff)
	}
	account := live(t, &corev1.ServiceAccount{}, namespace, "flyte-workload")
	if arn := account.Annotations["eks.amazonaws.com/role-arn"]; arn != "arn:aws:iam::123456789012:role/"+namespace {
		t.Errorf("the account's role is %q", arn)
	}
	policy := live(t, &networkingv1.NetworkPolicy{}, namespace, "workspace-isolation")
	egress, ingress := len(policy.Spec.Egress), len(policy.Spec.Ingress)
	if ingress != 2 {
		t.Errorf("the policy is %+v", policy.Spec)
	}

	change := client.MergeFrom(tier.DeepCopy())
	tier.Spec.ServiceAccount, tier.Spec.Network, tier.Spec.Quota.Default.Pods = v1alpha1.TierServiceAccount{}, v1alpha1.TierNetwork{}, "41"
	if err := world.admin.Patch(t.Context(), tier, change); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what the tier adds to go", func(context.Context) bool {
		policy := live(t, &networkingv1.NetworkPolicy{}, namespace, policy.Name).Spec
		pods := live(t, &corev1.ResourceQuota{}, namespace, "workspace-quota").Spec.Hard[corev1.ResourcePods]
		account := live(t, &corev1.ServiceAccount{}, namespace, "flyte-workload")
		return len(policy.Egress) == egress-1 && len(policy.Ingress) == ingress-1 && pods.String() == "41" && len(account.Annotations) == 0
	})
}

// TestTierLeavesWorkspacesOut sends content that the tier doesn't allow: the answer says where.
func TestTierLeavesWorkspacesOut(t *testing.T) {
	makeTier(t, "closed-tier")
	onTier(t, "closed-tier-1", "closed-tier")
	data := team("not-in-the-tier", 1)
	data.Tier = "closed-tier"
	refused := newMessage(t, workspace.EventCreated, data).send(t)
	var answer struct{ Errors []workspace.FieldError }
	if err := json.Unmarshal([]byte(refused.Body), &answer); err != nil {
		t.Fatal(err)
	}
	want := []workspace.FieldError{{Field: "data.tier", Message: "is a WorkspaceTier that this workspace may not be on"}}
	if diff := cmp.Diff(want, answer.Errors); diff != "" || refused.Status != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", refused.Status, diff)
	}
}

// TestTierInUseIsNotDeleted deletes a tier before and after its workspace.
func TestTierInUseIsNotDeleted(t *testing.T) {
	tier := makeTier(t, "used-tier")
	onTier(t, "used-tier-1", tier.Name)
	eventually(t, "the deletion to be refused", func(ctx context.Context) bool {
		err := world.admin.Delete(ctx, tier, client.DryRunAll)
		return err != nil && strings.Contains(err.Error(), "in use by the workspace used-tier-1")
	})
	newMessage(t, workspace.EventDeleted, workspace.Data{WorkspaceID: "used-tier-1", Version: 2}).mustDeliver(t)
	settled(t, "used-tier-1", v1alpha1.ReasonDeleted)
	eventually(t, "the deletion to be taken", func(ctx context.Context) bool { return world.admin.Delete(ctx, tier) == nil })
	eventually(t, "the lock to hold without the tier", func(context.Context) bool {
		pods := live(t, &corev1.ResourceQuota{}, "flyte-used-tier-1", "workspace-quota").Spec.Hard
		amount := pods[corev1.ResourcePods]
		return amount.IsZero() && len(pods) == 3
	})
	settled(t, "used-tier-1", v1alpha1.ReasonDeleted)
}
