package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// flyteAdmin is a client of another Flyte user.
func (env *testEnv) flyteAdmin() service.AdminServiceClient {
	env.t.Helper()
	conn, err := grpc.NewClient(env.flyte.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(env.t, err)
	env.t.Cleanup(func() { must(env.t, conn.Close()) })
	return service.NewAdminServiceClient(conn)
}

func (env *testEnv) awaitFlyteCall(method string) {
	env.t.Helper()
	eventually(env.t, func(context.Context) error {
		if env.flyte.Calls()[method] == 0 {
			return errors.New("Flyte was not called: " + method)
		}
		return nil
	})
}

// One update by flytectl removes all labels and unarchives the project.
func TestController_RepairsProjectDrift(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("changed")
	env.provisioned("unchanged")
	create(t, env.admin, func() *v1alpha1.Workspace {
		w := env.workspace("unarchived")
		w.Spec.State = v1alpha1.StateSuspended
		return w
	}())
	env.await("unarchived", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	eventually(t, func(ctx context.Context) error { // the listing compares Flyte with what the cache shows as sent
		var cached v1alpha1.Workspace
		err := env.mgr.GetCache().Get(ctx, client.ObjectKey{Name: "unarchived"}, &cached)
		if err == nil && cached.ReadyCondition().Reason != v1alpha1.ReasonSuspended {
			err = errors.New("the cache does not show the status yet")
		}
		return err
	})
	before := env.flyte.Projects()
	for _, id := range []string{"changed", "unarchived"} {
		_, err := env.flyteAdmin().UpdateProject(t.Context(), &admin.Project{Id: id, Name: "Foreign", Labels: &admin.Labels{}})
		must(t, err)
	}
	updates := env.flyte.Calls()["UpdateProject"]
	must(t, env.controller.findChangedProjects(t.Context()))
	eventually(t, func(context.Context) error {
		if diff := cmp.Diff(before, env.flyte.Projects()); diff != "" {
			return errors.New(diff)
		}
		return nil
	})
	if got := env.flyte.Calls()["UpdateProject"] - updates; got != 2 {
		t.Errorf("%d updates, want 2", got)
	}
	if got := env.flyte.Calls()["ListProjects"]; got != 1 {
		t.Errorf("%d pages listed, want one for all workspaces", got)
	}
	calls := env.flyte.Calls()
	must(t, env.controller.findChangedProjects(t.Context()))
	env.reconcile("changed")
	calls["ListProjects"]++
	if diff := cmp.Diff(calls, env.flyte.Calls()); diff != "" {
		t.Errorf("with nothing changed, calls (-want +got):\n%s", diff)
	}
}

// Replicas that do not lead send no list requests to Flyte.
func TestController_ListsProjectsOnlyAsLeader(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("led")
	env.leadership.lose()
	must(t, env.controller.findChangedProjects(t.Context()))
	if got := env.flyte.Calls()["ListProjects"]; got != 0 {
		t.Errorf("%d pages listed", got)
	}
}

// Flyte's database may have been restored while no replica led.
func TestController_ListsProjectsWhenLeaseIsAcquired(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("restored")
	eventually(t, func(ctx context.Context) error { // the comparison reads the status from the cache
		var w v1alpha1.Workspace
		if err := env.mgr.GetClient().Get(ctx, client.ObjectKey{Name: "restored"}, &w); err != nil {
			return err
		}
		if w.ReadyCondition().Reason != v1alpha1.ReasonReady {
			return errors.New("the cache does not show the status")
		}
		return nil
	})
	env.removeProjectLabels("restored")
	env.lead()
	eventually(t, func(context.Context) error {
		if got := env.flyte.Projects()[0].Labels[v1alpha1.LabelWorkspace]; got != "restored" {
			return errors.New("the project's labels are not repaired")
		}
		return nil
	})
}

// Many workspaces are created while Flyte is down. Their Kubernetes objects don't wait for Flyte, the calls are bounded, and all
// workspaces become Ready after the outage. The test is not parallel, because of its load.
func TestController_LimitsCallsWhileFlyteIsDown(t *testing.T) {
	const arriving = 50
	env := newTestEnv(t, envOptions{})
	env.flyte.SetUnavailable(true)
	id := func(i int) string { return fmt.Sprint("arriving-", i) }
	began := time.Now()
	for i := range arriving {
		create(t, env.admin, env.workspace(id(i)))
	}
	env.awaitAll(v1alpha1.ConditionFlyteProjectRegistered, v1alpha1.ReasonFlyteUnavailable, arriving)
	env.awaitAll(v1alpha1.ConditionNetworkIsolated, v1alpha1.ReasonApplied, arriving)
	down := time.Since(began)
	asked := env.flyte.Calls()["GetProject"]
	// Five failures before the breaker opens, and one each two seconds, of three attempts each at most.
	if bound := 3 * (5 + maxFlyteCalls + int(down/time.Second)); asked > bound {
		t.Errorf("%d calls of Flyte in %s, want at most %d", asked, down, bound)
	}
	env.flyte.SetUnavailable(false)
	began = time.Now()
	env.awaitAll(v1alpha1.ConditionReady, v1alpha1.ReasonReady, arriving)
	t.Logf("%d workspaces created in %s caused %d calls of Flyte; all were Ready %s after the outage",
		arriving, down.Round(time.Millisecond), asked, time.Since(began).Round(time.Millisecond))
}

func TestController_WaitsForFlyte(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.flyte.SetUnavailable(true)
	create(t, env.admin, env.workspace("flyteless"))
	env.awaitKubernetesParts("flyteless", v1alpha1.ReasonFlyteUnavailable)
	env.flyte.SetUnavailable(false)
	began := time.Now()
	env.await("flyteless", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	t.Logf("Ready %s after the outage of Flyte", time.Since(began).Round(time.Millisecond))
	if writes := env.requests.writes()["PATCH workspaces/status"]; writes != 2 {
		t.Errorf("the status was written %d times", writes)
	}
}

// Flyte answers after slotTimeout, but before flyteTimeout.
func TestController_WaitsForSlowFlyte(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	release := env.flyte.Hang()
	create(t, env.admin, env.workspace("slow"))
	env.awaitFlyteCall("GetProject")
	answer := time.AfterFunc(flyteTimeout/4, release)
	defer answer.Stop()
	env.await("slow", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if calls := env.flyte.Calls()["GetProject"]; calls != 1 {
		t.Errorf("%d calls of Flyte, want one", calls)
	}
}

func TestController_SurvivesLostFlyteResponse(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.flyte.LoseAnswers(1)
	env.provisioned("lost-response")
	env.wantProject("lost-response", admin.Project_ACTIVE)
	env.flyte.LoseAnswers(1)
	env.setState("lost-response", v1alpha1.StateSuspended)
	env.await("lost-response", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	env.wantProject("lost-response", admin.Project_ARCHIVED)
}

func TestController_ReportsWrongFlyteVersion(t *testing.T) {
	t.Parallel()
	double, err := flytetest.StartV2()
	must(t, err)
	t.Cleanup(double.Stop)
	env := newTestEnv(t, envOptions{flyte: double})
	create(t, env.admin, env.workspace("misversioned"))
	env.awaitKubernetesParts("misversioned", v1alpha1.ReasonFlyteWrongVersion)
}

func TestController_WorksWithFlyte2(t *testing.T) {
	t.Parallel()
	double, err := flytetest.StartV2()
	must(t, err)
	t.Cleanup(double.Stop)
	env := newTestEnv(t, envOptions{flyte: double, api: flyte.V2})
	env.provisioned("second")
	env.wantProject("second", admin.Project_ACTIVE)
	long := strings.Repeat("ä", 64)
	env.update("second", func(w *v1alpha1.Workspace) { w.Spec.DisplayName = v1alpha1.Text(long) })
	env.await("second", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if got := env.flyte.Projects()[0].Name; got != long {
		t.Errorf("the name is %q, want it uncut: Flyte 2 has no limit", got)
	}
	env.update("second", func(w *v1alpha1.Workspace) { w.Spec.DisplayName = "Fraud detection" })
	env.await("second", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	env.setState("second", v1alpha1.StateSuspended)
	env.await("second", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	env.wantProject("second", admin.Project_ARCHIVED)
}
