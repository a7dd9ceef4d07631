package lifecycle

import (
	"context"
	"errors"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// flyteAdmin is the way of somebody else with rights in Flyte.
func (s *stage) flyteAdmin() service.AdminServiceClient {
	s.t.Helper()
	conn, err := grpc.NewClient(s.flyte.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(s.t, err)
	s.t.Cleanup(func() { must(s.t, conn.Close()) })
	return service.NewAdminServiceClient(conn)
}

// TestController_RepairsWhatOthersChangeInFlyte: one flytectl update erases all labels, and un-archives.
func TestController_RepairsWhatOthersChangeInFlyte(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("changed")
	s.provisioned("unchanged")
	create(t, s.admin, func() *v1alpha1.Workspace {
		w := s.workspace("woken")
		w.Spec.State = v1alpha1.StateSuspended
		return w
	}())
	s.await("woken", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	before := s.flyte.Projects()
	for _, id := range []string{"changed", "woken"} {
		_, err := s.flyteAdmin().UpdateProject(t.Context(), &admin.Project{Id: id, Name: "Theirs", Labels: &admin.Labels{}})
		must(t, err)
	}
	updates := s.flyte.Calls()["UpdateProject"]
	must(t, s.controller.findChangedProjects(t.Context()))
	eventually(t, func(context.Context) error {
		if diff := cmp.Diff(before, s.flyte.Projects()); diff != "" {
			return errors.New(diff)
		}
		return nil
	})
	if got := s.flyte.Calls()["UpdateProject"] - updates; got != 2 {
		t.Errorf("it took %d updates, want 2", got)
	}
	if got := s.flyte.Calls()["ListProjects"]; got != 1 {
		t.Errorf("it took %d pages, want one for all workspaces", got)
	}
	calls := s.flyte.Calls()
	must(t, s.controller.findChangedProjects(t.Context()))
	s.reconcile("changed")
	calls["ListProjects"]++
	if diff := cmp.Diff(calls, s.flyte.Calls()); diff != "" {
		t.Errorf("with nothing changed, calls (-want +got):\n%s", diff)
	}
}

// TestController_ListsOnlyWhereItLeads: every replica would, otherwise.
func TestController_ListsOnlyWhereItLeads(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("led")
	s.leadership.lose()
	must(t, s.controller.findChangedProjects(t.Context()))
	if got := s.flyte.Calls()["ListProjects"]; got != 0 {
		t.Errorf("it listed %d pages", got)
	}
}

func TestController_AdoptsAProjectWhenTold(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	_, err := s.flyteAdmin().RegisterProject(t.Context(), &admin.ProjectRegisterRequest{
		Project: &admin.Project{Id: "adopted", Name: "Theirs", State: admin.Project_ARCHIVED},
	})
	must(t, err)
	create(t, s.admin, s.workspace("adopted"))
	s.awaitKubernetesParts("adopted", v1alpha1.ReasonConflict)
	s.change("adopted", func(w *v1alpha1.Workspace) {
		w.Annotations = map[string]string{v1alpha1.AnnotationAdoptProject: "true"}
	})
	s.await("adopted", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	s.wantProject("adopted", admin.Project_ACTIVE)
	// It stays ours when the annotation has gone, and then its labels.
	s.change("adopted", func(w *v1alpha1.Workspace) { w.Annotations = nil })
	_, err = s.flyteAdmin().UpdateProject(t.Context(), &admin.Project{Id: "adopted", Labels: &admin.Labels{}})
	must(t, err)
	s.change("adopted", func(w *v1alpha1.Workspace) { w.Spec.Description = "Another" })
	s.await("adopted", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	s.wantProject("adopted", admin.Project_ACTIVE)
}
