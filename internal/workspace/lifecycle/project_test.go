package lifecycle

import (
	"strings"
	"testing"
	"time"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"k8s.io/client-go/util/flowcontrol"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// awaitKubernetesParts waits until all but the project is there.
func (s *stage) awaitKubernetesParts(id, reason string) *v1alpha1.Workspace {
	s.t.Helper()
	w := s.await(id, v1alpha1.ConditionFlyteProjectRegistered, reason)
	want := []string{
		"NamespaceReady=True Applied", "QuotaApplied=True Applied", "AccessGranted=True Applied",
		"NetworkIsolated=True Applied", "FlyteProjectRegistered=False " + reason, "Ready=False " + reason,
	}
	if diff := cmp.Diff(want, conditions(w)); diff != "" {
		s.t.Errorf("conditions (-want +got):\n%s", diff)
	}
	return w
}

func TestController_WaitsForFlyte(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.flyte.SetUnavailable(true)
	create(t, s.admin, s.workspace("flyteless"))
	s.awaitKubernetesParts("flyteless", v1alpha1.ReasonFlyteUnavailable)
	s.flyte.SetUnavailable(false)
	began := time.Now()
	s.await("flyteless", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	t.Logf("Ready %s after Flyte's return", time.Since(began).Round(time.Millisecond))
	if writes := s.requests.writes()["PATCH workspaces/status"]; writes != 2 {
		t.Errorf("the status was written %d times", writes)
	}
}

func TestController_NamesWhatFlyteRefuses(t *testing.T) {
	t.Parallel()
	for code, reason := range map[codes.Code]string{
		codes.InvalidArgument:  v1alpha1.ReasonFlyteRejected,
		codes.PermissionDenied: v1alpha1.ReasonFlyteUnauthorized,
		codes.Unauthenticated:  v1alpha1.ReasonFlyteUnauthorized,
		codes.Internal:         v1alpha1.ReasonFlyteUnavailable,
	} {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			s := newStage(t, stageOptions{})
			id := "refused-" + strings.ToLower(code.String())
			s.flyte.FailNext(code, 1000)
			create(t, s.admin, s.workspace(id))
			s.awaitKubernetesParts(id, reason)
		})
	}
}

// TestController_AsksAgainAfterARejection: Flyte also calls invalid what a fault of its own keeps it from doing.
func TestController_AsksAgainAfterARejection(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.flyte.FailNext(codes.InvalidArgument, 1)
	create(t, s.admin, s.workspace("rejected-once"))
	s.await("rejected-once", v1alpha1.ConditionFlyteProjectRegistered, v1alpha1.ReasonFlyteRejected)
	s.await("rejected-once", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

func TestProjectFailed_WaitsLongerAfterEachRejection(t *testing.T) {
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

func TestController_NamesAnotherVersionOfFlyte(t *testing.T) {
	t.Parallel()
	double, err := flytetest.StartV2()
	must(t, err)
	t.Cleanup(double.Stop)
	s := newStage(t, stageOptions{flyte: double})
	create(t, s.admin, s.workspace("misversioned"))
	s.awaitKubernetesParts("misversioned", v1alpha1.ReasonFlyteWrongVersion)
}

func TestController_WorksWithFlyte2(t *testing.T) {
	t.Parallel()
	double, err := flytetest.StartV2()
	must(t, err)
	t.Cleanup(double.Stop)
	s := newStage(t, stageOptions{flyte: double, api: flyte.V2})
	s.provisioned("second")
	s.wantProject("second", admin.Project_ACTIVE)
	long := strings.Repeat("ä", 64)
	s.change("second", func(w *v1alpha1.Workspace) { w.Spec.DisplayName = v1alpha1.Text(long) })
	s.await("second", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if got := s.flyte.Projects()[0].Name; got != long {
		t.Errorf("the name is %q: Flyte 2 has no limit to cut it to", got)
	}
	s.change("second", func(w *v1alpha1.Workspace) { w.Spec.DisplayName = "Fraud detection" })
	s.await("second", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	s.setState("second", v1alpha1.StateSuspended)
	s.await("second", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	s.wantProject("second", admin.Project_ARCHIVED)
}

func TestController_NeverTouchesForeignProject(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	stranger, err := flyte.New(flyte.Options{Endpoint: s.flyte.Addr(), OwnerLabel: "team"})
	must(t, err)
	t.Cleanup(func() { must(t, stranger.Close()) })
	_, err = stranger.EnsureProject(t.Context(), flyte.Project{
		ID: "claimed", Name: "Theirs", Labels: map[string]string{"team": "another"},
	})
	must(t, err)
	before := s.flyte.Projects()
	create(t, s.admin, s.workspace("claimed"))
	w := s.awaitKubernetesParts("claimed", v1alpha1.ReasonConflict)
	if w.Status.ProjectID != "" {
		t.Errorf("the status claims the project %s", w.Status.ProjectID)
	}
	for _, state := range []v1alpha1.State{v1alpha1.StateSuspended, v1alpha1.StateDeleted} {
		s.setState("claimed", state)
		s.await("claimed", v1alpha1.ConditionFlyteProjectRegistered, v1alpha1.ReasonConflict)
	}
	if diff := cmp.Diff(before, s.flyte.Projects()); diff != "" {
		t.Errorf("Flyte's projects (-before +after):\n%s", diff)
	}
}

func TestController_SurvivesLostAnswer(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.flyte.LoseAnswers(1)
	s.provisioned("unheard")
	s.wantProject("unheard", admin.Project_ACTIVE)
	s.flyte.LoseAnswers(1)
	s.setState("unheard", v1alpha1.StateSuspended)
	s.await("unheard", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	s.wantProject("unheard", admin.Project_ARCHIVED)
}

// A Reconcile of a Workspace that was deleted must not say of its successor what it found of the former.
func TestController_NeverWritesStatusOfFormerWorkspace(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	release := s.flyte.Hang()
	former := s.workspace("reborn")
	create(t, s.admin, former)
	s.awaitCall("GetProject")
	must(t, s.admin.Delete(t.Context(), former))
	next := s.workspace("reborn")
	next.Spec.DisplayName = "Another name"
	create(t, s.admin, next)
	release()
	s.await("reborn", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	for range 3 {
		s.reconcile("reborn")
	}
	if got := s.flyte.Projects(); len(got) != 1 || got[0].Name != "Another name" {
		t.Errorf("Flyte has the projects %v", got)
	}
}

// TestController_IsPatientWithASlowFlyte lets Flyte take longer than its turn, but not for ever.
func TestController_IsPatientWithASlowFlyte(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	release := s.flyte.Hang()
	create(t, s.admin, s.workspace("slow"))
	s.awaitCall("GetProject")
	answer := time.AfterFunc(flyteTimeout/4, release)
	defer answer.Stop()
	s.await("slow", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if calls := s.flyte.Calls()["GetProject"]; calls != 1 {
		t.Errorf("Flyte was asked %d times", calls)
	}
}
