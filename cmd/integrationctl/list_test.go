package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func TestWorkspacesList_ShowsWhatIsRemovedWhen(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(d)} }
	const day = 24 * time.Hour
	named := func(id string, state v1alpha1.State, d *v1alpha1.WorkspaceDeletion) v1alpha1.Workspace {
		w := v1alpha1.Workspace{ObjectMeta: metav1.ObjectMeta{Name: id, CreationTimestamp: *at(-30 * day)}}
		w.Spec.Tier, w.Spec.State, w.Status.Deletion = "standard", state, d
		w.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: "False", Reason: "Deleted"}}
		return w
	}
	all := []v1alpha1.Workspace{
		named("active", v1alpha1.StateActive, nil),
		named("archived", v1alpha1.StateDeleted, &v1alpha1.WorkspaceDeletion{RequestedAt: *at(-day)}),
		named("counting", v1alpha1.StateDeleted, &v1alpha1.WorkspaceDeletion{PurgeAt: at(3 * day)}),
		named("due", v1alpha1.StateDeleted, &v1alpha1.WorkspaceDeletion{PurgeAt: at(-time.Minute)}),
		named("purging", v1alpha1.StateDeleted, &v1alpha1.WorkspaceDeletion{PurgeAt: at(-day), PurgeStartedAt: at(-5 * time.Minute)}),
		named("tombstone", v1alpha1.StateDeleted, &v1alpha1.WorkspaceDeletion{
			PurgeAt: at(-day), PurgeStartedAt: at(-day), PurgedAt: at(-day), ExpiresAt: at(29 * day),
		}),
	}
	for golden, deleted := range map[string]bool{"workspaces-list.txt": false, "workspaces-list-deleted.txt": true} {
		var out strings.Builder
		if err := (&lister{deleted: deleted}).print(&out, all, now); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(expected(t, golden, out.String()), out.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", golden, diff)
		}
	}
}
