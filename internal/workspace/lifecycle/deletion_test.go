package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

const (
	week  = 7 * 24 * time.Hour
	month = 30 * 24 * time.Hour
)

// deletes is the policy Delete with the contract's times.
var deletes = Deletion{Policy: v1alpha1.DeletionDelete, GracePeriod: week, TombstoneTTL: month}

// clock is the real time, moved ahead by a test.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

// advance moves the clock and looks at these workspaces again, one after the other, before anything else sees the new time.
func (s *stage) advance(by time.Duration, ids ...string) {
	s.t.Helper()
	s.leadership.alone(s.t.Context(), func(ctx context.Context) {
		s.clock.mu.Lock()
		s.clock.ahead += by
		s.clock.mu.Unlock()
		for _, id := range ids {
			s.lookToEnd(ctx, id)
		}
	})
}

// reconcileToEnd looks at a workspace again for as long as the controller itself would at once.
func (s *stage) reconcileToEnd(id string) {
	s.t.Helper()
	s.leadership.alone(s.t.Context(), func(ctx context.Context) { s.lookToEnd(ctx, id) })
}

func (s *stage) lookToEnd(alone context.Context, id string) {
	s.t.Helper()
	eventually(s.t, func(context.Context) error {
		result, err := s.controller.Reconcile(alone, reconcile.Request{NamespacedName: client.ObjectKey{Name: id}})
		if err == nil && result.RequeueAfter > 0 && result.RequeueAfter <= slotTimeout {
			err = errors.New("it is to be looked at again at once")
		}
		return err
	})
}

// whileNobodyLeads does something that no Reconcile may see half done.
func (s *stage) whileNobodyLeads(do func()) {
	s.t.Helper()
	s.leadership.lose()
	s.awaitIdle()
	do()
	s.lead()
}

func (s *stage) get(id string) *v1alpha1.Workspace {
	s.t.Helper()
	var w v1alpha1.Workspace
	must(s.t, s.admin.Get(s.t.Context(), client.ObjectKey{Name: id}, &w))
	return &w
}

// deleted is a workspace that was provisioned, and is deleted since.
func (s *stage) deleted(id string) *v1alpha1.Workspace {
	s.t.Helper()
	s.provisioned(id)
	s.setState(id, v1alpha1.StateDeleted)
	return s.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonDeleted)
}

// awaitGone waits until an object is gone from the API server.
func (s *stage) awaitGone(o client.Object) {
	s.t.Helper()
	eventually(s.t, func(ctx context.Context) error {
		err := s.admin.Get(ctx, client.ObjectKeyFromObject(o), o)
		if err == nil {
			return fmt.Errorf("%s is still there", o.GetName())
		}
		return client.IgnoreNotFound(err)
	})
}

func TestController_CountsDownAndRestores(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{deletion: deletes})
	w := s.deleted("counted")
	before := s.namespace("flyte-counted")
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
	writes := s.requests.writes()
	s.advance(week-time.Minute, "counted")
	if diff := cmp.Diff(writes, s.requests.writes()); diff != "" {
		t.Errorf("writes before the end (-before +after):\n%s", diff)
	}

	s.setState("counted", v1alpha1.StateActive)
	w = s.await("counted", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	if w.Status.Deletion != nil {
		t.Errorf("restored, but still %+v", w.Status.Deletion)
	}
	s.wantAccess("flyte-counted", fullAccess)
	s.wantProject("counted", admin.Project_ACTIVE)
	after := s.namespace("flyte-counted")
	if after.UID != before.UID || after.ResourceVersion == before.ResourceVersion {
		t.Error("the namespace is another one, or was not written to")
	}
	s.advance(week, "counted")
	if s.namespace("flyte-counted").DeletionTimestamp != nil {
		t.Error("the namespace of a restored workspace is removed")
	}
}

// A newer deletion, a namespace that came back, and a policy that was changed each begin a whole grace period.
func TestController_BeginsCountdownAnew(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]func(s *stage, id string){
		"newer": func(s *stage, id string) {
			s.whileNobodyLeads(func() { // the restoration between is never seen
				s.change(id, func(w *v1alpha1.Workspace) { w.Spec.StateVersion = 3 })
			})
		},
		"back": func(s *stage, id string) {
			was := s.namespace("flyte-" + id)
			s.deleteNamespace(was.Name)
			create(s.t, s.admin, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: was.Name, Labels: was.Labels}})
		},
		"longer": func(s *stage, _ string) {
			s.whileNobodyLeads(func() { s.controller.Deletion.GracePeriod = 2*week - time.Hour })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, stageOptions{deletion: deletes})
			id := "anew-" + name
			first := s.deleted(id).Status.Deletion.PurgeAt
			s.advance(week - time.Hour)
			again(s, id)
			eventually(t, func(context.Context) error {
				if err := s.tryReconcile(id); err != nil {
					return err
				}
				if at := s.get(id).Status.Deletion.PurgeAt; at.Sub(first.Time) < week-2*time.Hour {
					return fmt.Errorf("it is still purged at %s", at)
				}
				return nil
			})
			s.advance(2*time.Hour, id)
			if s.namespace("flyte-"+id).DeletionTimestamp != nil {
				t.Error("the namespace is removed")
			}
		})
	}
}

func TestController_ArchivesUntilThePolicyIsDelete(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	w := s.deleted("archive")
	if d := w.Status.Deletion; d.Policy != v1alpha1.DeletionArchive || d.PurgeAt != nil || d.Namespaces != nil {
		t.Errorf("something will be removed: %+v", d)
	}
	s.advance(10*month, "archive")
	s.namespace("flyte-archive")
	s.stop()
	s = newStage(t, stageOptions{deletion: deletes, clock: s.clock, flyte: s.flyte})
	eventually(t, func(context.Context) error {
		if at := s.get("archive").Status.Deletion.PurgeAt; at == nil || at.Sub(s.clock.now()) < week-time.Minute {
			return fmt.Errorf("the grace period ends at %v", at)
		}
		return nil
	})
	s.stop()
	s = newStage(t, stageOptions{clock: s.clock, flyte: s.flyte})
	eventually(t, func(context.Context) error {
		if d := s.get("archive").Status.Deletion; d.PurgeAt != nil {
			return fmt.Errorf("it is still purged: %+v", d)
		}
		return nil
	})
}

func TestController_ForgetsTombstone(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{deletion: deletes})
	s.deleted("entombed")
	s.advance(week, "entombed")
	s.await("entombed", v1alpha1.ConditionReady, v1alpha1.ReasonPurged)
	s.reconcileToEnd("entombed")
	w := s.get("entombed")
	want := []string{
		"NamespaceReady=False Purged", "QuotaApplied=False Purged", "AccessGranted=False Purged",
		"NetworkIsolated=False Purged", "FlyteProjectRegistered=True Archived", "Ready=False Purged",
	}
	if diff := cmp.Diff(want, conditions(w)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if got := w.Status.Deletion.ExpiresAt.Sub(w.Status.Deletion.PurgedAt.Time); got != month {
		t.Errorf("it is kept for %s", got)
	}
	writes := s.requests.writes()
	s.advance(month-time.Minute, "entombed")
	if diff := cmp.Diff(writes, s.requests.writes()); diff != "" {
		t.Errorf("writes before the end (-before +after):\n%s", diff)
	}
	s.advance(time.Minute, "entombed")
	s.awaitGone(w)
	s.wantProject("entombed", admin.Project_ARCHIVED)
	want2 := maps.Clone(writes)
	want2["DELETE workspaces"]++
	if diff := cmp.Diff(want2, s.requests.writes()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

// A tombstone that was read before an event was stored must not take the event with it.
func TestController_KeepsTombstoneWithNewerEvent(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{deletion: deletes})
	s.deleted("late")
	s.advance(week, "late")
	s.await("late", v1alpha1.ConditionReady, v1alpha1.ReasonPurged)
	s.reconcileToEnd("late")
	stale := s.get("late")
	s.leadership.lose()
	s.setState("late", v1alpha1.StateActive)
	o := s.controller.deleteTombstone(t.Context(), stale)
	if !apierrors.IsConflict(o.err) {
		t.Errorf("removing it: %+v", o)
	}
	s.lead()
	s.await("late", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// What was deleted before it was ever provisioned is a tombstone too, and the brake doesn't count it.
func TestController_EntombsWhatWasNeverProvisioned(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{deletion: deletes})
	w := s.workspace("unborn")
	w.Spec = v1alpha1.WorkspaceSpec{State: v1alpha1.StateDeleted, StateVersion: 3}
	create(t, s.admin, w)
	s.await("unborn", v1alpha1.ConditionReady, v1alpha1.ReasonAwaitingContent)
	s.advance(week, "unborn")
	s.await("unborn", v1alpha1.ConditionNamespaceReady, v1alpha1.ReasonPurged)
	if w := s.get("unborn"); w.Status.LastPurgeAt != nil {
		t.Error("it counts as a purge")
	}
}
