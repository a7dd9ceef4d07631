package lifecycle

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func TestController_CountsDownAndCancelsDeletion(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{deletion: deletePolicy})
	w := env.deleted("counted")
	before := env.namespace("flyte-counted")
	d := w.Status.Deletion
	want := &v1alpha1.WorkspaceDeletion{
		Policy: v1alpha1.DeletionDelete, RequestedAt: d.RequestedAt, StateVersion: 1,
		PurgeAt:    &metav1.Time{Time: d.RequestedAt.Add(week)},
		Namespaces: []v1alpha1.NamespaceReference{{Name: "flyte-counted", UID: before.UID}},
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("the countdown (-want +got):\n%s", diff)
	}
	if message := w.ReadyCondition().Message; !strings.Contains(message, d.PurgeAt.UTC().Format(time.RFC3339)) {
		t.Errorf("Ready does not say when: %s", message)
	}
	writes := env.requests.writes()
	env.advance(week-time.Minute, "counted")
	if diff := cmp.Diff(writes, env.requests.writes()); diff != "" {
		t.Errorf("writes before the end (-before +after):\n%s", diff)
	}

	env.setState("counted", v1alpha1.StateActive)
	w = env.await("counted", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if w.Status.Deletion != nil {
		t.Errorf("after the cancellation, the deletion is %+v", w.Status.Deletion)
	}
	env.wantAccess("flyte-counted", fullAccess)
	env.wantProject("counted", admin.Project_ACTIVE)
	after := env.namespace("flyte-counted")
	if after.UID != before.UID || after.ResourceVersion == before.ResourceVersion {
		t.Error("the Namespace was recreated, or was not written")
	}
	env.advance(week, "counted")
	if env.namespace("flyte-counted").DeletionTimestamp != nil {
		t.Error("the namespace of an active workspace is being deleted")
	}
}

// A newer deletion, a recreated namespace and a longer grace period each restart the countdown.
func TestController_RestartsCountdown(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]func(env *testEnv, id string){
		"newer": func(env *testEnv, id string) {
			env.withoutLeader(func() { // the activation before it is not reconciled
				env.update(id, func(w *v1alpha1.Workspace) { w.Spec.StateVersion = 3 })
			})
		},
		"back": func(env *testEnv, id string) {
			was := env.namespace("flyte-" + id)
			env.deleteNamespace(was.Name)
			create(env.t, env.admin, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: was.Name, Labels: was.Labels}})
		},
		"longer": func(env *testEnv, _ string) {
			env.withoutLeader(func() { env.controller.Deletion.GracePeriod = 2*week - time.Hour })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, envOptions{deletion: deletePolicy})
			id := "restarted-" + name
			first := env.deleted(id).Status.Deletion.PurgeAt
			env.advance(week - time.Hour)
			again(env, id)
			eventually(t, func(context.Context) error {
				if err := env.tryReconcile(id); err != nil {
					return err
				}
				if at := env.get(id).Status.Deletion.PurgeAt; at.Sub(first.Time) < week-2*time.Hour {
					return fmt.Errorf("the purge is still at %s", at)
				}
				return nil
			})
			env.advance(2*time.Hour, id)
			if env.namespace("flyte-"+id).DeletionTimestamp != nil {
				t.Error("the namespace is removed")
			}
		})
	}
}

func TestController_FollowsDeletionPolicy(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	w := env.deleted("archive")
	if d := w.Status.Deletion; d.Policy != v1alpha1.DeletionArchive || d.PurgeAt != nil || d.Namespaces != nil {
		t.Errorf("a purge is scheduled: %+v", d)
	}
	env.advance(10*month, "archive")
	env.namespace("flyte-archive")
	env.stop()
	env = newTestEnv(t, envOptions{deletion: deletePolicy, clock: env.clock, flyte: env.flyte})
	eventually(t, func(context.Context) error {
		if at := env.get("archive").Status.Deletion.PurgeAt; at == nil || at.Sub(env.clock.now()) < week-time.Minute {
			return fmt.Errorf("the grace period ends at %v", at)
		}
		return nil
	})
	env.stop()
	env = newTestEnv(t, envOptions{clock: env.clock, flyte: env.flyte})
	eventually(t, func(context.Context) error {
		if d := env.get("archive").Status.Deletion; d.PurgeAt != nil {
			return fmt.Errorf("the purge is still scheduled: %+v", d)
		}
		return nil
	})
}

func TestController_DeletesExpiredTombstone(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{deletion: deletePolicy})
	env.deleted("expiring")
	env.advance(week, "expiring")
	env.await("expiring", v1alpha1.ConditionReady, v1alpha1.ReasonPurged)
	env.reconcileUntilDone("expiring")
	w := env.get("expiring")
	want := []string{
		"NamespaceReady=True Purged", "QuotaApplied=True Purged", "AccessGranted=True Purged",
		"NetworkIsolated=True Purged", "FlyteProjectRegistered=True Archived", "Ready=True Purged",
	}
	if diff := cmp.Diff(want, conditions(w)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if got := w.Status.Deletion.ExpiresAt.Sub(w.Status.Deletion.PurgedAt.Time); got != month {
		t.Errorf("the tombstone expires after %s", got)
	}
	writes := env.requests.writes()
	env.advance(month-time.Minute, "expiring")
	if diff := cmp.Diff(writes, env.requests.writes()); diff != "" {
		t.Errorf("writes before the end (-before +after):\n%s", diff)
	}
	env.advance(time.Minute, "expiring")
	env.awaitDeleted(w)
	env.wantProject("expiring", admin.Project_ARCHIVED)
	want2 := maps.Clone(writes)
	want2["DELETE workspaces"]++
	if diff := cmp.Diff(want2, env.requests.writes()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

// An event that is stored after the tombstone was read makes its deletion fail with a conflict.
func TestController_KeepsTombstoneWithNewerEvent(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{deletion: deletePolicy})
	env.deleted("late")
	env.advance(week, "late")
	env.await("late", v1alpha1.ConditionReady, v1alpha1.ReasonPurged)
	env.reconcileUntilDone("late")
	stale := env.get("late")
	env.leadership.lose()
	env.setState("late", v1alpha1.StateActive)
	o := env.controller.deleteTombstone(t.Context(), stale)
	if !apierrors.IsConflict(o.err) {
		t.Errorf("deleting the tombstone: %+v", o)
	}
	env.lead()
	env.await("late", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// A workspace that was deleted before it was provisioned becomes a tombstone. The guard against mass deletion does not count it.
func TestController_PurgesUnprovisionedWorkspace(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{deletion: deletePolicy})
	w := env.workspace("unprovisioned")
	w.Spec = v1alpha1.WorkspaceSpec{State: v1alpha1.StateDeleted, StateVersion: 3}
	create(t, env.admin, w)
	env.await("unprovisioned", v1alpha1.ConditionReady, v1alpha1.ReasonAwaitingContent)
	env.advance(week, "unprovisioned")
	env.await("unprovisioned", v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonPurged)
	if w := env.get("unprovisioned"); w.Status.LastPurgeAt != nil {
		t.Error("the status has a purge time")
	}
}
