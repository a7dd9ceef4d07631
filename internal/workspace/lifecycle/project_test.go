package lifecycle

import (
	"strings"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"k8s.io/client-go/util/flowcontrol"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
)

// awaitKubernetesParts waits until all steps but the project are done.
func (env *testEnv) awaitKubernetesParts(id, reason string) *v1alpha1.Workspace {
	env.t.Helper()
	w := env.await(id, v1alpha1.ConditionFlyteProjectRegistered, reason)
	want := []string{
		"NamespaceReady=True Applied", "QuotaApplied=True Applied", "AccessGranted=True Applied",
		"NetworkIsolated=True Applied", "FlyteProjectRegistered=False " + reason, "Ready=False " + reason,
	}
	if diff := cmp.Diff(want, conditions(w)); diff != "" {
		env.t.Errorf("conditions (-want +got):\n%s", diff)
	}
	return w
}

func (env *testEnv) wantProject(id string, want admin.Project_ProjectState) {
	env.t.Helper()
	for _, p := range env.flyte.Projects() {
		if p.ID == id {
			if p.State != want {
				env.t.Errorf("the project %s is %s, want %s", id, p.State, want)
			}
			return
		}
	}
	env.t.Errorf("Flyte has no project %s", id)
}

func TestController_ReportsFlyteErrors(t *testing.T) {
	t.Parallel()
	for code, reason := range map[codes.Code]string{
		codes.InvalidArgument:  v1alpha1.ReasonFlyteRejected,
		codes.PermissionDenied: v1alpha1.ReasonFlyteUnauthorized,
		codes.Unauthenticated:  v1alpha1.ReasonFlyteUnauthorized,
		codes.Internal:         v1alpha1.ReasonFlyteUnavailable,
	} {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, envOptions{})
			id := "refused-" + strings.ToLower(code.String())
			env.flyte.FailNext(code, 1000)
			create(t, env.admin, env.workspace(id))
			env.awaitKubernetesParts(id, reason)
		})
	}
}

// Flyte answers InvalidArgument also for some internal failures.
func TestController_RetriesRejectedProject(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.flyte.FailNext(codes.InvalidArgument, 1)
	create(t, env.admin, env.workspace("rejected-once"))
	env.awaitEvent("rejected-once", v1alpha1.ReasonFlyteRejected) // the condition may be too short-lived to observe
	env.await("rejected-once", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

func TestProjectFailed_BacksOffAfterRejections(t *testing.T) {
	t.Parallel()
	c := &Controller{rejections: flowcontrol.NewBackOff(firstRejectionRetry, lastRejectionRetry)}
	want := firstRejectionRetry
	for range 12 {
		if got := c.projectFailed("id", flyte.ErrInvalid).after; got < want || got >= 2*want {
			t.Errorf("after %v, want %v up to twice that", got, want)
		}
		want = min(2*want, lastRejectionRetry)
	}
	if got := c.projectFailed("other", flyte.ErrInvalid).after; got >= 2*firstRejectionRetry {
		t.Errorf("another workspace waits %v", got)
	}
}

func TestController_NeverWritesForeignProject(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	foreignClient, err := flyte.New(flyte.Options{Endpoint: env.flyte.Addr(), OwnerLabel: "team"})
	must(t, err)
	t.Cleanup(func() { must(t, foreignClient.Close()) })
	_, err = foreignClient.EnsureProject(t.Context(), flyte.Project{
		ID: "claimed", Name: "Foreign", Labels: map[string]string{"team": "another"},
	})
	must(t, err)
	before := env.flyte.Projects()
	create(t, env.admin, env.workspace("claimed"))
	w := env.awaitKubernetesParts("claimed", v1alpha1.ReasonConflict)
	if w.Status.ProjectID != "" {
		t.Errorf("the status has the foreign project %s", w.Status.ProjectID)
	}
	for _, state := range []v1alpha1.State{v1alpha1.StateSuspended, v1alpha1.StateDeleted} {
		env.setState("claimed", state)
		env.await("claimed", v1alpha1.ConditionFlyteProjectRegistered, v1alpha1.ReasonConflict)
	}
	if diff := cmp.Diff(before, env.flyte.Projects()); diff != "" {
		t.Errorf("Flyte's projects (-before +after):\n%s", diff)
	}
}

// A Reconcile that started before a Workspace was recreated must not write the status of the new one.
func TestController_NeverWritesStatusToRecreatedWorkspace(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	release := env.flyte.Hang()
	former := env.workspace("reborn")
	create(t, env.admin, former)
	env.awaitFlyteCall("GetProject")
	must(t, env.admin.Delete(t.Context(), former))
	next := env.workspace("reborn")
	next.Spec.DisplayName = "Another name"
	create(t, env.admin, next)
	release()
	env.await("reborn", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	for range 3 {
		env.reconcile("reborn")
	}
	if got := env.flyte.Projects(); len(got) != 1 || got[0].Name != "Another name" {
		t.Errorf("Flyte has the projects %v", got)
	}
}

func TestController_AdoptsProjectByAnnotation(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	_, err := env.flyteAdmin().RegisterProject(t.Context(), &admin.ProjectRegisterRequest{
		Project: &admin.Project{Id: "adopted", Name: "Foreign", State: admin.Project_ARCHIVED},
	})
	must(t, err)
	create(t, env.admin, env.workspace("adopted"))
	env.awaitKubernetesParts("adopted", v1alpha1.ReasonConflict)
	env.update("adopted", func(w *v1alpha1.Workspace) {
		w.Annotations = map[string]string{v1alpha1.AnnotationAdoptProject: "true"}
	})
	env.await("adopted", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	env.wantProject("adopted", admin.Project_ACTIVE)
	// The project stays ours without the annotation, and without its labels.
	env.update("adopted", func(w *v1alpha1.Workspace) { w.Annotations = nil })
	_, err = env.flyteAdmin().UpdateProject(t.Context(), &admin.Project{Id: "adopted", Labels: &admin.Labels{}})
	must(t, err)
	env.update("adopted", func(w *v1alpha1.Workspace) { w.Spec.Description = "Another" })
	env.await("adopted", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	env.wantProject("adopted", admin.Project_ACTIVE)
}
