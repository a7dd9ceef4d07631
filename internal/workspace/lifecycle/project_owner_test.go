package lifecycle

import (
	"context"
	"errors"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// registerTheirs makes a project of somebody else, and returns all of Flyte's projects then.
func (s *stage) registerTheirs(id string, labels map[string]string) []flytetest.Project {
	s.t.Helper()
	_, err := s.flyteAdmin().RegisterProject(s.t.Context(), &admin.ProjectRegisterRequest{
		Project: &admin.Project{Id: id, Name: "Theirs", Labels: &admin.Labels{Values: labels}},
	})
	must(s.t, err)
	return s.flyte.Projects()
}

func (s *stage) eraseLabels(id string) {
	s.t.Helper()
	_, err := s.flyteAdmin().UpdateProject(s.t.Context(), &admin.Project{Id: id, Labels: &admin.Labels{}})
	must(s.t, err)
}

// elsewhere is a stage of the same Workspaces after FLYTE_ADMIN_ENDPOINT has changed. The former one must have been stopped.
func (s *stage) elsewhere(prepare func(*flytetest.Server)) *stage {
	s.t.Helper()
	double, err := flytetest.Start()
	must(s.t, err)
	s.t.Cleanup(double.Stop)
	prepare(double)
	return newStage(s.t, stageOptions{flyte: double})
}

func (s *stage) changeStatus(id string, edit func(*v1alpha1.WorkspaceStatus)) {
	s.t.Helper()
	var w v1alpha1.Workspace
	must(s.t, s.admin.Get(s.t.Context(), client.ObjectKey{Name: id}, &w))
	before := w.DeepCopy()
	edit(&w.Status)
	must(s.t, s.admin.Status().Patch(s.t.Context(), &w, client.MergeFrom(before)))
}

// TestController_RegistersInAnotherFlyte: the status of before says nothing of the projects of another Flyte.
func TestController_RegistersInAnotherFlyte(t *testing.T) {
	t.Parallel()
	former := newStage(t, stageOptions{})
	former.provisioned("moves")
	former.stop()
	s := former.elsewhere(func(*flytetest.Server) {})
	eventually(t, func(context.Context) error {
		if len(s.flyte.Projects()) == 0 {
			return errors.New("the other Flyte has no project")
		}
		return nil
	})
	s.wantProject("moves", admin.Project_ACTIVE)
	eventually(t, func(context.Context) error {
		w := s.await("moves", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
		if diff := cmp.Diff(new(s.flyteServer()), w.Status.ProjectFlyte); diff != "" {
			return errors.New(diff)
		}
		return nil
	})
}

// TestController_TakesNoProjectInAnotherFlyte: it was registered in the former one. There it stays the workspace's.
func TestController_TakesNoProjectInAnotherFlyte(t *testing.T) {
	t.Parallel()
	for name, labels := range map[string]map[string]string{"unlabelled": {}, "labelled": {v1alpha1.LabelWorkspace: "another"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := "stays-" + name
			former := newStage(t, stageOptions{})
			former.provisioned(id)
			former.stop()
			var before []flytetest.Project
			s := former.elsewhere(func(double *flytetest.Server) {
				before = (&stage{t: t, stageOptions: stageOptions{flyte: double}}).registerTheirs(id, labels)
			})
			w := s.awaitKubernetesParts(id, v1alpha1.ReasonConflict)
			if w.Status.ProjectID != "" || w.Status.ConsoleURL != "" {
				t.Errorf("the status claims the project %s at %s", w.Status.ProjectID, w.Status.ConsoleURL)
			}
			if diff := cmp.Diff(before, s.flyte.Projects()); diff != "" {
				t.Errorf("Flyte's projects (-before +after):\n%s", diff)
			}
			s.stop()
			former.eraseLabels(id)
			back := newStage(t, stageOptions{flyte: former.flyte})
			back.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
			back.wantProject(id, admin.Project_ACTIVE)
		})
	}
}

func TestController_NeverOverridesAnotherOwner(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("given-away")
	_, err := s.flyteAdmin().UpdateProject(t.Context(), &admin.Project{
		Id: "given-away", Labels: &admin.Labels{Values: map[string]string{v1alpha1.LabelWorkspace: "another"}},
	})
	must(t, err)
	before := s.flyte.Projects()
	s.change("given-away", func(w *v1alpha1.Workspace) {
		w.Spec.Description = "Another"
		w.Annotations = map[string]string{v1alpha1.AnnotationAdoptProject: "true"}
	})
	s.await("given-away", v1alpha1.ConditionFlyteProjectRegistered, v1alpha1.ReasonConflict)
	if diff := cmp.Diff(before, s.flyte.Projects()); diff != "" {
		t.Errorf("Flyte's projects (-before +after):\n%s", diff)
	}
}

// TestController_KeepsProjectsOfAnOlderVersion: its status names no Flyte. The label tells whose a project is.
func TestController_KeepsProjectsOfAnOlderVersion(t *testing.T) {
	t.Parallel()
	former := newStage(t, stageOptions{})
	for _, id := range []string{"upgraded", "upgraded-bare"} {
		former.provisioned(id)
	}
	former.stop()
	for _, id := range []string{"upgraded", "upgraded-bare"} {
		former.changeStatus(id, func(status *v1alpha1.WorkspaceStatus) {
			status.ProjectFlyte, status.ProjectDigest = nil, "of an older version"
		})
	}
	former.eraseLabels("upgraded-bare")
	before := former.flyte.Calls()
	s := newStage(t, stageOptions{flyte: former.flyte})
	s.await("upgraded-bare", v1alpha1.ConditionFlyteProjectRegistered, v1alpha1.ReasonConflict)
	eventually(t, func(context.Context) error {
		w := s.await("upgraded", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
		if diff := cmp.Diff(new(s.flyteServer()), w.Status.ProjectFlyte); diff != "" {
			return errors.New(diff)
		}
		return nil
	})
	if got := s.flyte.Calls()["UpdateProject"] - before["UpdateProject"]; got != 0 {
		t.Errorf("projects were written %d times", got)
	}
}

// TestController_ListsProjectsAsSoonAsItLeads: Flyte may be another one behind the same endpoint, as after its database was restored.
func TestController_ListsProjectsAsSoonAsItLeads(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("restored")
	eventually(t, func(ctx context.Context) error { // the listing compares what the cache shows
		var w v1alpha1.Workspace
		if err := s.mgr.GetClient().Get(ctx, client.ObjectKey{Name: "restored"}, &w); err != nil {
			return err
		}
		if w.ReadyCondition().Reason != v1alpha1.ReasonReady {
			return errors.New("the cache does not show the status")
		}
		return nil
	})
	s.eraseLabels("restored")
	s.lead()
	eventually(t, func(context.Context) error {
		if got := s.flyte.Projects()[0].Labels[v1alpha1.LabelWorkspace]; got != "restored" {
			return errors.New("the project has its labels no more")
		}
		return nil
	})
}
