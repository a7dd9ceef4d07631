package lifecycle

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// wantMetric fails the test unless the deletions in each of these phases are that many, soon.
func (s *stage) wantMetric(want map[string]float64) {
	s.t.Helper()
	eventually(s.t, func(context.Context) error {
		families, err := s.metrics.Gather()
		if err != nil {
			return err
		}
		for _, family := range families {
			for _, metric := range family.GetMetric() {
				for _, label := range metric.GetLabel() {
					n, wanted := want[label.GetValue()]
					if got := metric.GetGauge().GetValue(); wanted && got != n {
						return fmt.Errorf("%s{%s} is %v, want %v", family.GetName(), label.GetValue(), got, n)
					}
				}
			}
		}
		return nil
	})
}

// TestController_BrakesMassDeletion deletes four of twenty workspaces, of which two may be purged within an hour.
func TestController_BrakesMassDeletion(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{deletion: deletes})
	ids := []string{"mass-1", "mass-2", "mass-3", "mass-4"}
	for i := len(ids); i < 20; i++ {
		s.bystander(fmt.Sprintf("other-%d", i), "flyte-other")
		s.bystander(fmt.Sprintf("nothing-%d", i)) // counts for nothing
	}
	for _, id := range ids {
		s.deleted(id)
	}
	s.advance(week, ids...)
	for _, id := range ids[:2] {
		s.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonPurged)
	}
	for _, id := range ids[2:] {
		s.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonPurgePaused)
		s.namespace("flyte-" + id)
	}
	s.wantMetric(map[string]float64{"paused": 2, "tombstone": 2})
	s.awaitEvent("mass-3", v1alpha1.ReasonPurgePaused)

	// Only the release of this very deletion counts, and the watch tells of it.
	s.release("mass-3", s.get("mass-3").Status.Deletion.PurgeAt.Add(-time.Hour))
	s.awaitCached(s.get("mass-3"))
	s.reconcileToEnd("mass-3")
	s.await("mass-3", v1alpha1.ConditionReady, v1alpha1.ReasonPurgePaused)
	s.release("mass-3", s.get("mass-3").Status.Deletion.PurgeAt.Time)
	s.await("mass-3", v1alpha1.ConditionReady, v1alpha1.ReasonPurged)
	s.await("mass-4", v1alpha1.ConditionReady, v1alpha1.ReasonPurgePaused)

	s.advance(purgeWindow, "mass-4")
	s.await("mass-4", v1alpha1.ConditionReady, v1alpha1.ReasonPurged)
}

// bystander makes a Workspace that gets nothing, since it has no content, and whose status names these namespaces.
func (s *stage) bystander(id string, namespaces ...string) {
	s.t.Helper()
	w := s.workspace(id)
	w.Spec.DisplayName = ""
	create(s.t, s.admin, w)
	before := w.DeepCopy()
	w.Status.Namespaces = namespaces
	must(s.t, s.admin.Status().Patch(s.t.Context(), w, client.MergeFrom(before)))
	eventually(s.t, func(ctx context.Context) error {
		var seen v1alpha1.Workspace
		err := s.mgr.GetCache().Get(ctx, client.ObjectKeyFromObject(w), &seen)
		if err == nil && len(seen.Status.Namespaces) != len(namespaces) {
			err = fmt.Errorf("the cache shows %s with the namespaces %q", id, seen.Status.Namespaces)
		}
		return err
	})
}

func (s *stage) release(id string, at time.Time) {
	s.t.Helper()
	s.change(id, func(w *v1alpha1.Workspace) {
		w.Annotations = map[string]string{v1alpha1.AnnotationReleasePurge: at.UTC().Format(time.RFC3339)}
	})
}

// awaitCached waits until the service's cache shows a Workspace as it was read.
func (s *stage) awaitCached(w *v1alpha1.Workspace) {
	s.t.Helper()
	eventually(s.t, func(ctx context.Context) error {
		var seen v1alpha1.Workspace
		if err := s.mgr.GetCache().Get(ctx, client.ObjectKeyFromObject(w), &seen); err != nil {
			return err
		}
		if seen.ResourceVersion != w.ResourceVersion {
			return fmt.Errorf("the cache shows %s at %s, not at %s", w.Name, seen.ResourceVersion, w.ResourceVersion)
		}
		return nil
	})
}

// awaitEvent waits for a Warning about a workspace.
func (s *stage) awaitEvent(id, reason string) {
	s.t.Helper()
	eventually(s.t, func(ctx context.Context) error {
		var all corev1.EventList
		if err := s.admin.List(ctx, &all); err != nil {
			return err
		}
		for i := range all.Items {
			e := &all.Items[i]
			if e.InvolvedObject.Name == id && e.Reason == reason && e.Type == corev1.EventTypeWarning {
				return nil
			}
		}
		return fmt.Errorf("there is no event %s of %s", reason, id)
	})
}

func TestTally(t *testing.T) {
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
		"active":   {v1alpha1.StateActive, there, nil, nil, purgeCounts{total: 1}},
		"nothing":  {v1alpha1.StateSuspended, nil, nil, nil, purgeCounts{}},
		"counting": {v1alpha1.StateDeleted, there, nil, &v1alpha1.WorkspaceDeletion{PurgeAt: ago(-time.Hour)}, purgeCounts{total: 1}},
		"purging":  {v1alpha1.StateDeleted, there, ago(0), &v1alpha1.WorkspaceDeletion{PurgeStartedAt: ago(0)}, purgeCounts{1, 1, 1}},
		"stuck": {
			v1alpha1.StateDeleted, there, ago(stuckAfter), &v1alpha1.WorkspaceDeletion{PurgeStartedAt: ago(stuckAfter)}, purgeCounts{1, 1, 0},
		},
		"purged lately": {
			v1alpha1.StateDeleted, nil, ago(1), &v1alpha1.WorkspaceDeletion{PurgeStartedAt: ago(1), PurgedAt: ago(1)}, purgeCounts{1, 1, 0},
		},
		"purged, then anew": {v1alpha1.StateActive, there, ago(1), nil, purgeCounts{1, 1, 0}},
		"anew long since":   {v1alpha1.StateActive, there, ago(purgeWindow), nil, purgeCounts{total: 1}},
		"purged long since": {
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
