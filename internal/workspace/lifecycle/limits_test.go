package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// kubectl apply bypasses the edge. The controller provisions the oldest workspaces, and another one when one is deleted.
func TestController_EnforcesMaxWorkspaces(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{limits: workspace.NewLimits(2)})
	first := env.provisioned("limit-1") // workspaces of the same second are ordered by name
	env.provisioned("limit-2")
	create(t, env.admin, env.workspace("limit-3"))
	w := env.await("limit-3", v1alpha1.ConditionReady, v1alpha1.ReasonLimitExceeded)
	const want = "there are 2 older workspaces, and MAX_WORKSPACES allows 2"
	if got := w.ReadyCondition().Message; got != want {
		t.Errorf("Ready says %q, want %q", got, want)
	}
	err := env.admin.Get(t.Context(), client.ObjectKey{Name: "flyte-limit-3"}, &corev1.Namespace{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("the workspace has a namespace: %v", err)
	}
	env.withoutLeader(func() { env.controller.Limits.Workspaces = 1 }) // provisioned workspaces stay
	env.reconcile("limit-2")
	env.await("limit-2", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	env.withoutLeader(func() { env.controller.Limits.Workspaces = 2 })

	must(t, env.admin.Delete(t.Context(), first))
	env.awaitWorkspaceNotCached("limit-1")
	env.reconcile("limit-3")
	env.await("limit-3", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// kubectl apply bypasses the edge, which refuses more members than fit into the memory of a replica.
func TestController_EnforcesMaxMembers(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{limits: workspace.Limits{Workspaces: 10, Members: 100}})
	large := func(id string, members int) {
		w := env.workspace(id)
		w.Spec.Members = nil
		for i := range members {
			name := v1alpha1.Text(fmt.Sprintf("user-%d", i))
			w.Spec.Members = append(w.Spec.Members, v1alpha1.Member{Kind: v1alpha1.MemberUser, Name: name, Role: v1alpha1.RoleViewer})
		}
		create(t, env.admin, w)
	}
	large("members-1", 90)
	env.await("members-1", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	large("members-2", 65)
	w := env.await("members-2", v1alpha1.ConditionReady, v1alpha1.ReasonLimitExceeded)
	const want = "it would have 65 members and the other workspaces have 90: "
	if got := w.ReadyCondition().Message; !strings.HasPrefix(got, want) {
		t.Errorf("Ready says %q, want %q", got, want)
	}
	large("members-3", 64)
	env.await("members-3", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// Counting all workspaces does not wait for a status write of another one.
func TestController_CountsWorkspacesWithoutWaitingForWrites(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	release := sync.OnceFunc(env.requests.pause("PATCH workspaces/status"))
	defer release()
	create(t, env.admin, env.workspace("being-written"))
	eventually(t, func(context.Context) error {
		if env.requests.writes()["PATCH workspaces/status"] == 0 {
			return errors.New("the status is not being written")
		}
		return nil
	})
	create(t, env.admin, env.workspace("next"))
	eventually(t, func(ctx context.Context) error {
		return env.admin.Get(ctx, client.ObjectKey{Name: "flyte-next"}, &corev1.Namespace{})
	})
	release()
	for _, id := range []string{"being-written", "next"} {
		env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	}
}

// Of twenty workspaces four are deleted. Two of them may be purged within an hour.
func TestController_PausesMassDeletion(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{deletion: deletePolicy})
	ids := []string{"mass-1", "mass-2", "mass-3", "mass-4"}
	for i := len(ids); i < 20; i++ {
		env.createWithStatus(fmt.Sprintf("other-%d", i), "flyte-other")
		env.createWithStatus(fmt.Sprintf("nothing-%d", i)) // without namespaces, it is not counted
	}
	for _, id := range ids {
		env.deleted(id)
	}
	env.advance(week, ids...)
	for _, id := range ids[:2] {
		env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonPurged)
	}
	for _, id := range ids[2:] {
		env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonPurgePaused)
		env.namespace("flyte-" + id)
	}
	env.awaitMetric(map[string]float64{"paused": 2, "tombstone": 2})
	env.awaitEvent("mass-3", v1alpha1.ReasonPurgePaused)

	// Only a release of this deletion counts. Its update causes a Reconcile.
	env.releasePurge("mass-3", env.get("mass-3").Status.Deletion.PurgeAt.Add(-time.Hour))
	env.awaitCachedVersion(env.get("mass-3"))
	env.reconcileUntilDone("mass-3")
	env.await("mass-3", v1alpha1.ConditionReady, v1alpha1.ReasonPurgePaused)
	env.releasePurge("mass-3", env.get("mass-3").Status.Deletion.PurgeAt.Time)
	env.await("mass-3", v1alpha1.ConditionReady, v1alpha1.ReasonPurged)
	env.await("mass-4", v1alpha1.ConditionReady, v1alpha1.ReasonPurgePaused)

	env.advance(purgeWindow, "mass-4")
	env.await("mass-4", v1alpha1.ConditionReady, v1alpha1.ReasonPurged)
}

// createWithStatus creates a Workspace without content, so that it is not provisioned, with these namespaces in its status.
func (env *testEnv) createWithStatus(id string, namespaces ...string) {
	env.t.Helper()
	w := env.workspace(id)
	w.Spec.DisplayName = ""
	create(env.t, env.admin, w)
	before := w.DeepCopy()
	w.Status.Namespaces = namespaces
	must(env.t, env.admin.Status().Patch(env.t.Context(), w, client.MergeFrom(before)))
	eventually(env.t, func(ctx context.Context) error {
		var seen v1alpha1.Workspace
		err := env.mgr.GetCache().Get(ctx, client.ObjectKeyFromObject(w), &seen)
		if err == nil && len(seen.Status.Namespaces) != len(namespaces) {
			err = fmt.Errorf("the cache shows %s with the namespaces %q", id, seen.Status.Namespaces)
		}
		return err
	})
}

func (env *testEnv) releasePurge(id string, at time.Time) {
	env.t.Helper()
	env.update(id, func(w *v1alpha1.Workspace) {
		w.Annotations = map[string]string{v1alpha1.AnnotationReleasePurge: at.UTC().Format(time.RFC3339)}
	})
}

func TestPurgeCounts(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(-d)} }
	there := []string{"flyte-ws-001"}
	for name, test := range map[string]struct {
		state      v1alpha1.State
		namespaces []string
		last       *metav1.Time
		deletion   *v1alpha1.WorkspaceDeletion
		want       purgeCounts
	}{
		"active":  {v1alpha1.StateActive, there, nil, nil, purgeCounts{total: 1}},
		"nothing": {v1alpha1.StateSuspended, nil, nil, nil, purgeCounts{}},
		"grace":   {v1alpha1.StateDeleted, there, nil, &v1alpha1.WorkspaceDeletion{PurgeAt: ago(-time.Hour)}, purgeCounts{total: 1}},
		"purging": {v1alpha1.StateDeleted, there, ago(0), &v1alpha1.WorkspaceDeletion{PurgeStartedAt: ago(0)}, purgeCounts{1, 1, 1}},
		"stuck": {
			v1alpha1.StateDeleted, there, ago(stuckAfter), &v1alpha1.WorkspaceDeletion{PurgeStartedAt: ago(stuckAfter)}, purgeCounts{1, 1, 0},
		},
		"purged recently": {
			v1alpha1.StateDeleted, nil, ago(1), &v1alpha1.WorkspaceDeletion{PurgeStartedAt: ago(1), PurgedAt: ago(1)}, purgeCounts{1, 1, 0},
		},
		"recreated recently": {v1alpha1.StateActive, there, ago(1), nil, purgeCounts{1, 1, 0}},
		"recreated long ago": {v1alpha1.StateActive, there, ago(purgeWindow), nil, purgeCounts{total: 1}},
		"purged long ago": {
			v1alpha1.StateDeleted, nil, ago(purgeWindow), &v1alpha1.WorkspaceDeletion{PurgedAt: ago(purgeWindow)}, purgeCounts{},
		},
		"never provisioned": {v1alpha1.StateDeleted, nil, nil, &v1alpha1.WorkspaceDeletion{PurgedAt: ago(1)}, purgeCounts{}},
	} {
		w := &v1alpha1.Workspace{}
		w.Spec.State, w.Status.LastPurgeAt, w.Status.Deletion = test.state, test.last, test.deletion
		w.Status.Namespaces = test.namespaces
		var got purgeCounts
		got.add(w, now)
		if got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
	for total, want := range map[int]int{0: 1, 1: 1, 19: 1, 20: 2, 9000: 900} {
		if got := (&purgeCounts{total: total}).allowed(); got != want {
			t.Errorf("of %d workspaces %d may be purged, want %d", total, got, want)
		}
	}
}
