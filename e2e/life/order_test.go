package life

import (
	"context"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestDeletedBeforeCreated sends the deletion first: an older creation doesn't undo it, and a newer one does.
func TestDeletedBeforeCreated(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	env.Deliver(t, harness.NewMessage(t, workspace.EventDeleted, workspace.Data{WorkspaceID: "late", Version: 5}))
	env.AwaitReason(t, "late", v1alpha1.ReasonAwaitingContent)
	env.Deliver(t, harness.NewMessage(t, workspace.EventCreated, harness.Data("late", 4)))
	w := env.AwaitReason(t, "late", v1alpha1.ReasonDeleted)
	if len(w.Status.Namespaces) != 0 {
		t.Errorf("a deleted workspace got the namespaces %v", w.Status.Namespaces)
	}
	if _, ok := env.Project("late"); ok {
		t.Error("a deleted workspace got a project")
	}
	env.Create(t, harness.Data("late", 6))
}

// TestVersionsNearTheirLimitAreRepairedByHand follows docs/security.md: both registers are reset, and the next event takes effect.
func TestVersionsNearTheirLimitAreRepairedByHand(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	const id, limit = "exhausted", 1<<53 - 1
	env.Deliver(t, harness.NewMessage(t, workspace.EventCreated, harness.Data(id, 7)))
	env.Deliver(t, harness.NewMessage(t, workspace.EventCreated, harness.Data(id, limit)))
	next := harness.Data(id, 8)
	next.Name = "Team again"
	if outcome := env.Deliver(t, harness.NewMessage(t, workspace.EventUpdated, next)).Outcome(); outcome != "stale" {
		t.Fatalf("version 8 after %d is answered %s", int64(limit), outcome)
	}
	w := harness.Get(t, env, &v1alpha1.Workspace{}, "", id)
	reset := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"version":7,"stateVersion":7}}`))
	harness.Must(t, env.Admin.Patch(t.Context(), w, reset))
	m := harness.NewMessage(t, workspace.EventUpdated, next)
	harness.Eventually(t, "version 8 to be accepted", func(context.Context) bool { return env.Send(t, m).Outcome() != "stale" })
	w = env.AwaitReason(t, id, v1alpha1.ReasonReady)
	if string(w.Spec.DisplayName) != next.Name || w.Spec.Version != 8 {
		t.Errorf("the workspace is %+v", w.Spec)
	}
}
