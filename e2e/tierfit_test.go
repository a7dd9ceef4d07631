package e2e

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestMemberLeavesWhateverTheTier takes a member away from workspaces that no longer fit their tier.
func TestMemberLeavesWhateverTheTier(t *testing.T) {
	for id, change := range map[string]func(*v1alpha1.WorkspaceTierSpec){
		"lowered-tier": func(spec *v1alpha1.WorkspaceTierSpec) { spec.Quota.Maximum.CPU = "10" },
		"shut-tier":    func(spec *v1alpha1.WorkspaceTierSpec) { spec.AllowedWorkspaces = []string{"others-*"} },
	} {
		t.Run(id, func(t *testing.T) {
			tier := makeTier(t, id)
			data := team(id+"-1", 1)
			data.Tier = tier.Name
			newMessage(t, workspace.EventCreated, data).sendOnNewTier(t)
			settled(t, data.WorkspaceID, v1alpha1.ReasonReady)
			eve, namespace := as(t, "eve@company.com", "ml-team"), "flyte-"+data.WorkspaceID
			eventually(t, "the member to have access", func(ctx context.Context) bool {
				return making(&corev1.ConfigMap{})(ctx, eve, namespace) == nil
			})
			before := tier.DeepCopy()
			change(&tier.Spec)
			if err := world.admin.Patch(t.Context(), tier, client.MergeFrom(before)); err != nil {
				t.Fatal(err)
			}
			data.Version, data.Members = 2, data.Members[:1]
			newMessage(t, workspace.EventUpdated, data).mustDeliver(t)
			eventually(t, "the member to have no access", func(ctx context.Context) bool {
				return apierrors.IsForbidden(making(&corev1.ConfigMap{})(ctx, eve, namespace))
			})
		})
	}
}
