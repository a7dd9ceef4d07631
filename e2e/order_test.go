package e2e

import (
	"context"
	"fmt"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestAnyOrderEndsTheSame sends created@1, updated@2 and suspended@3 in all six orders, each event twice.
func TestAnyOrderEndsTheSame(t *testing.T) {
	for i, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		id := fmt.Sprintf("order-%d", i)
		updated := team(id, 2)
		updated.Name, updated.Members = "Renamed", updated.Members[:1]
		events := []message{
			newMessage(t, workspace.EventCreated, team(id, 1)),
			newMessage(t, workspace.EventUpdated, updated),
			newMessage(t, workspace.EventSuspended, workspace.Data{WorkspaceID: id, Version: 3}),
		}
		for _, e := range append(order, order...) {
			events[e].mustDeliver(t)
		}
		w := settled(t, id, v1alpha1.ReasonSuspended)
		want := v1alpha1.WorkspaceSpec{
			DisplayName: "Renamed", Description: "made by a test", Owner: "ana@company.com", Tier: "standard",
			Quota:   v1alpha1.Quota{CPU: "20", Memory: "64Gi", GPU: "2"},
			Members: []v1alpha1.Member{{Kind: v1alpha1.MemberUser, Name: "ana@company.com", Role: v1alpha1.RoleAdmin}},
			Labels:  map[string]v1alpha1.LabelValue{"cost-center": "42"},
			Version: 2, State: v1alpha1.StateSuspended, StateVersion: 3,
		}
		if diff := cmp.Diff(want, w.Spec); diff != "" {
			t.Errorf("order %v: %s", order, diff)
		}
		binding := live(t, &rbacv1.RoleBinding{}, "flyte-"+id, "workspace-viewer")
		if len(binding.Subjects) != 1 || binding.Subjects[0].Name != "ana@company.com" {
			t.Errorf("order %v: viewers are %v", order, binding.Subjects)
		}
		if project, ok := findProject(id); !ok || project.State != admin.Project_ARCHIVED || project.Name != "Renamed" {
			t.Errorf("order %v: the project is %+v", order, project)
		}
	}
}

// TestDeletedIsNotUndoneByALateCreated deletes first.
func TestDeletedIsNotUndoneByALateCreated(t *testing.T) {
	newMessage(t, workspace.EventDeleted, workspace.Data{WorkspaceID: "late", Version: 5}).mustDeliver(t)
	settled(t, "late", v1alpha1.ReasonAwaitingContent)
	newMessage(t, workspace.EventCreated, team("late", 4)).mustDeliver(t)
	w := settled(t, "late", v1alpha1.ReasonDeleted)
	if len(w.Status.Namespaces) != 0 {
		t.Errorf("a deleted workspace got the namespaces %v", w.Status.Namespaces)
	}
	if _, ok := findProject("late"); ok {
		t.Error("a deleted workspace got a project")
	}
	newMessage(t, workspace.EventCreated, team("late", 6)).mustDeliver(t)
	settled(t, "late", v1alpha1.ReasonReady)
}

// TestVersionsNearTheirLimitAreRepairedByHand follows docs/security.md: both registers are set back, and the next event counts again.
func TestVersionsNearTheirLimitAreRepairedByHand(t *testing.T) {
	const id, limit = "exhausted", 1<<53 - 1
	newMessage(t, workspace.EventCreated, team(id, 7)).mustDeliver(t)
	newMessage(t, workspace.EventCreated, team(id, limit)).mustDeliver(t)
	next := team(id, 8)
	next.Name = "Team again"
	if outcome := newMessage(t, workspace.EventUpdated, next).mustDeliver(t).Outcome(); outcome != "stale" {
		t.Fatalf("version 8 after %d is answered %s", int64(limit), outcome)
	}
	w := live(t, &v1alpha1.Workspace{}, "", id)
	setBack := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"version":7,"stateVersion":7}}`))
	if err := world.admin.Patch(t.Context(), w, setBack); err != nil {
		t.Fatal(err)
	}
	message := newMessage(t, workspace.EventUpdated, next)
	eventually(t, "version 8 to be accepted", func(context.Context) bool { return message.send(t).Outcome() != "stale" })
	w = settled(t, id, v1alpha1.ReasonReady)
	if string(w.Spec.DisplayName) != next.Name || w.Spec.Version != 8 {
		t.Errorf("the workspace is %+v", w.Spec)
	}
}
