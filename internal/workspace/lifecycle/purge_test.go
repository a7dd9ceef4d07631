package lifecycle

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func TestController_PurgesAfterGracePeriod(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{deletion: deletePolicy, template: "{prefix}{project}-{domain}"})
	env.deleted("over")
	namespaces := []string{"flyte-over-development", "flyte-over-staging", "flyte-over-production"}
	env.advance(week, "over")
	for _, name := range namespaces {
		env.awaitDeleted(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	w := env.await("over", v1alpha1.ConditionReady, v1alpha1.ReasonPurged)
	if len(w.Status.Namespaces) > 0 || w.Status.LastPurgeAt == nil {
		t.Errorf("the status is %+v", w.Status)
	}
	env.wantProject("over", admin.Project_ARCHIVED)
}

func TestController_ReportsStuckNamespace(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{deletion: deletePolicy})
	env.deleted("stuck")
	release := env.blockDeletion("flyte-stuck")
	env.advance(week, "stuck")
	env.await("stuck", v1alpha1.ConditionReady, v1alpha1.ReasonPurging)
	eventually(t, func(context.Context) error { // the namespace controller reports remaining finalizers
		if n := env.namespace("flyte-stuck"); len(n.Status.Conditions) == 0 {
			return fmt.Errorf("the namespace is %+v", n.Status)
		}
		return nil
	})
	env.advance(stuckAfter, "stuck")
	w := env.await("stuck", v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonPurgeStuck)
	since := env.namespace("flyte-stuck").DeletionTimestamp.UTC().Format(time.RFC3339)
	message := w.ReadyCondition().Message
	for _, part := range []string{`namespace "flyte-stuck" has been terminating since ` + since, "team.company.com/finalizer"} {
		if !strings.Contains(message, part) {
			t.Errorf("the message lacks %q: %s", part, message)
		}
	}
	writes := env.requests.total()
	env.reconcile("stuck")
	if n := env.requests.total() - writes; n != 0 {
		t.Errorf("%d writes for a namespace that is terminating already", n)
	}
	env.awaitMetric(map[string]float64{"stuck": 1, "purging": 0})
	release()
	env.await("stuck", v1alpha1.ConditionReady, v1alpha1.ReasonPurged) // after the Namespace's event
	env.awaitMetric(map[string]float64{"stuck": 0, "tombstone": 1})
}

// A workspace.created event during a purge is provisioned after the purge.
func TestController_ReprovisionsAfterPurge(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{deletion: deletePolicy})
	env.deleted("again")
	before := env.namespace("flyte-again")
	release := env.blockDeletion("flyte-again")
	env.advance(week, "again")
	env.await("again", v1alpha1.ConditionReady, v1alpha1.ReasonPurging)
	env.setState("again", v1alpha1.StateActive)
	env.await("again", v1alpha1.ConditionReady, v1alpha1.ReasonPurging)
	release()
	w := env.await("again", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if env.namespace("flyte-again").UID == before.UID || w.Status.Deletion != nil || w.Status.LastPurgeAt == nil {
		t.Errorf("the workspace was not provisioned again: %+v", w.Status)
	}
	if diff := cmp.Diff(childrenOfActive, env.childNames("flyte-again")); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	env.wantProject("again", admin.Project_ACTIVE)
	env.advance(2*week, "again")
	env.namespace("flyte-again")
}

// A leader is paused before each write of a purge while the workspace is activated.
func TestController_PausedLeaderDeletesNothing(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{deletion: deletePolicy})
	w := env.deleted("paused-leader")
	ref := w.Status.Deletion.Namespaces[0]
	read, err := env.controller.Applier.GetOwnedNamespace(t.Context(), ref, "paused-leader")
	must(t, err)
	env.setState("paused-leader", v1alpha1.StateActive)
	env.await("paused-leader", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	env.advance(week)

	if _, err := env.controller.beginPurge(t.Context(), w.DeepCopy()); !apierrors.IsConflict(err) {
		t.Errorf("paused before it records the start of the purge: %v", err)
	}
	if err := env.controller.Applier.DeleteNamespace(t.Context(), read); !apierrors.IsConflict(err) {
		t.Errorf("paused before it deletes the namespace: %v", err)
	}
	if env.namespace("flyte-paused-leader").DeletionTimestamp != nil {
		t.Error("the namespace is removed")
	}
}

func TestController_PurgesOwnedNamespacesOnly(t *testing.T) {
	t.Parallel()
	for name, give := range map[string]func(env *testEnv, name string){
		"recreated": func(env *testEnv, name string) { // by another client, without our label
			env.deleteNamespace(name)
			create(env.t, env.admin, foreignNamespace(name))
		},
		"disowned": func(env *testEnv, name string) {
			env.applyDrift(name, drift{object: "Namespace", change: dropLabel(v1alpha1.LabelWorkspace)})
		},
		"relabelled": func(env *testEnv, name string) {
			env.applyDrift(name, drift{object: "Namespace", change: setLabel(v1alpha1.LabelWorkspace, "another")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, envOptions{deletion: deletePolicy})
			id := "not-owned-" + name
			w := env.deleted(id)
			var before *corev1.Namespace
			env.withoutLeader(func() { // the status still names the namespace when the grace period ends
				give(env, "flyte-"+id)
				before = env.namespace("flyte-" + id)
				env.advance(week)
			})
			env.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonPurged)
			if diff := cmp.Diff(before, env.namespace("flyte-"+id)); diff != "" {
				t.Errorf("the Namespace was written (-before +after):\n%s", diff)
			}
			if n := env.requests.writes()["DELETE namespaces"]; n > 0 {
				t.Errorf("%d deletes, of %v", n, w.Status.Deletion.Namespaces)
			}
		})
	}
}

// Changing the policy to Archive stops a purge: namespaces that are not being deleted yet stay.
func TestController_StopsPurgeWhenPolicyIsArchive(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{deletion: deletePolicy, template: "{prefix}{project}-{domain}"})
	env.deleted("halted")
	env.stop()
	w := env.get("halted")
	before := w.DeepCopy()
	now := metav1.Now()
	w.Status.Deletion.PurgeStartedAt = &now // as if the leader was killed at that time
	must(t, env.admin.Status().Patch(t.Context(), w, client.MergeFrom(before)))
	env.deleteNamespace("flyte-halted-staging")
	env = newTestEnv(t, envOptions{flyte: env.flyte, template: env.template})
	eventually(t, func(context.Context) error {
		d := env.get("halted").Status.Deletion
		if d == nil || d.Policy != v1alpha1.DeletionArchive || d.PurgeStartedAt != nil || d.PurgeAt != nil {
			return fmt.Errorf("the deletion is %+v", d)
		}
		return nil
	})
	for _, domain := range []string{"development", "production"} {
		if n := env.namespace("flyte-halted-" + domain); n.DeletionTimestamp != nil || n.Annotations["platform.company.com/kept-at"] == "" {
			t.Errorf("%s is being deleted, or was not written: %+v", n.Name, n.ObjectMeta)
		}
	}
}
