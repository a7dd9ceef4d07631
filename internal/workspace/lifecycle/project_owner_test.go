package lifecycle

import (
	"context"
	"errors"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// registerForeignProject registers a project of another owner, and returns all of Flyte's projects.
func (env *testEnv) registerForeignProject(id string, labels map[string]string) []flytetest.Project {
	env.t.Helper()
	_, err := env.flyteAdmin().RegisterProject(env.t.Context(), &admin.ProjectRegisterRequest{
		Project: &admin.Project{Id: id, Name: "Foreign", Labels: &admin.Labels{Values: labels}},
	})
	must(env.t, err)
	return env.flyte.Projects()
}

func (env *testEnv) removeProjectLabels(id string) {
	env.t.Helper()
	_, err := env.flyteAdmin().UpdateProject(env.t.Context(), &admin.Project{Id: id, Labels: &admin.Labels{}})
	must(env.t, err)
}

// startWithOtherFlyte starts a controller for the same Workspaces with another FLYTE_ADMIN_ENDPOINT. Stop the former one first.
func (env *testEnv) startWithOtherFlyte(prepare func(*flytetest.Server)) *testEnv {
	env.t.Helper()
	double, err := flytetest.Start()
	must(env.t, err)
	env.t.Cleanup(double.Stop)
	prepare(double)
	return newTestEnv(env.t, envOptions{flyte: double})
}

// The status describes the project in the former Flyte, not in the new one.
func TestController_RegistersProjectInNewFlyte(t *testing.T) {
	t.Parallel()
	former := newTestEnv(t, envOptions{})
	former.provisioned("moves")
	former.stop()
	env := former.startWithOtherFlyte(func(*flytetest.Server) {})
	eventually(t, func(context.Context) error {
		if len(env.flyte.Projects()) == 0 {
			return errors.New("the other Flyte has no project")
		}
		return nil
	})
	env.wantProject("moves", admin.Project_ACTIVE)
	eventually(t, func(context.Context) error {
		w := env.await("moves", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
		if diff := cmp.Diff(new(env.flyteServer()), w.Status.ProjectFlyte); diff != "" {
			return errors.New(diff)
		}
		return nil
	})
}

// A workspace that owns a project in the former Flyte does not own one of that id in the new Flyte.
func TestController_NeverTakesForeignProjectInNewFlyte(t *testing.T) {
	t.Parallel()
	for name, labels := range map[string]map[string]string{"unlabelled": {}, "labelled": {v1alpha1.LabelWorkspace: "another"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := "stays-" + name
			former := newTestEnv(t, envOptions{})
			former.provisioned(id)
			former.stop()
			var before []flytetest.Project
			env := former.startWithOtherFlyte(func(double *flytetest.Server) {
				before = (&testEnv{t: t, envOptions: envOptions{flyte: double}}).registerForeignProject(id, labels)
			})
			w := env.awaitKubernetesParts(id, v1alpha1.ReasonConflict)
			if w.Status.ProjectID != "" || w.Status.ConsoleURL != "" {
				t.Errorf("the status has the foreign project %s at %s", w.Status.ProjectID, w.Status.ConsoleURL)
			}
			if diff := cmp.Diff(before, env.flyte.Projects()); diff != "" {
				t.Errorf("Flyte's projects (-before +after):\n%s", diff)
			}
			env.stop()
			former.removeProjectLabels(id)
			back := newTestEnv(t, envOptions{flyte: former.flyte})
			back.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
			back.wantProject(id, admin.Project_ACTIVE)
		})
	}
}

func TestController_NeverOverridesProjectOwner(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("relabelled")
	_, err := env.flyteAdmin().UpdateProject(t.Context(), &admin.Project{
		Id: "relabelled", Labels: &admin.Labels{Values: map[string]string{v1alpha1.LabelWorkspace: "another"}},
	})
	must(t, err)
	before := env.flyte.Projects()
	env.update("relabelled", func(w *v1alpha1.Workspace) {
		w.Spec.Description = "Another"
		w.Annotations = map[string]string{v1alpha1.AnnotationAdoptProject: "true"}
	})
	env.await("relabelled", v1alpha1.ConditionFlyteProjectRegistered, v1alpha1.ReasonConflict)
	if diff := cmp.Diff(before, env.flyte.Projects()); diff != "" {
		t.Errorf("Flyte's projects (-before +after):\n%s", diff)
	}
}

// The status of an older service version does not name a Flyte. Then the project's label decides who owns it.
func TestController_KeepsProjectOfOlderServiceVersion(t *testing.T) {
	t.Parallel()
	former := newTestEnv(t, envOptions{})
	for _, id := range []string{"upgraded", "upgraded-bare"} {
		former.provisioned(id)
	}
	former.stop()
	for _, id := range []string{"upgraded", "upgraded-bare"} {
		former.patchStatus(id, func(status *v1alpha1.WorkspaceStatus) {
			status.ProjectFlyte, status.ProjectDigest = nil, "of an older version"
		})
	}
	former.removeProjectLabels("upgraded-bare")
	before := former.flyte.Calls()
	env := newTestEnv(t, envOptions{flyte: former.flyte})
	env.await("upgraded-bare", v1alpha1.ConditionFlyteProjectRegistered, v1alpha1.ReasonConflict)
	eventually(t, func(context.Context) error {
		w := env.await("upgraded", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
		if diff := cmp.Diff(new(env.flyteServer()), w.Status.ProjectFlyte); diff != "" {
			return errors.New(diff)
		}
		return nil
	})
	if got := env.flyte.Calls()["UpdateProject"] - before["UpdateProject"]; got != 0 {
		t.Errorf("projects were written %d times", got)
	}
}
