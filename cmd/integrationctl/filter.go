package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// filter selects workspaces, and adds the columns that belong to the selection.
type filter struct {
	notReady, unlisted bool
	state, tier        string
}

func (f *filter) register(c *cobra.Command) {
	flags := c.Flags()
	flags.BoolVar(&f.notReady, "not-ready", false, "only workspaces that are not as their spec wants them")
	flags.BoolVar(&f.unlisted, "unlisted", false, "only workspaces that the workspace service does not list")
	flags.StringVar(&f.state, "state", "", "only workspaces in this `state`: Active, Suspended or Deleted")
	flags.StringVar(&f.tier, "tier", "", "only workspaces on this `tier`")
	completeFlag(c, "state", fixedValues(states()...))
}

func states() []string {
	return []string{string(v1alpha1.StateActive), string(v1alpha1.StateSuspended), string(v1alpha1.StateDeleted)}
}

func (f *filter) set() bool { return *f != filter{} }

// check accepts a state in any case.
func (f *filter) check() error {
	if f.state == "" {
		return nil
	}
	i := slices.IndexFunc(states(), func(s string) bool { return strings.EqualFold(s, f.state) })
	if i < 0 {
		return usagef("--state must be Active, Suspended or Deleted, not %q", f.state)
	}
	f.state = states()[i]
	return nil
}

// apply removes the rows that don't match.
func (f *filter) apply(t *metav1.Table) {
	if !f.set() {
		return
	}
	now, kept := time.Now(), t.Rows[:0]
	for _, row := range t.Rows {
		var w v1alpha1.Workspace
		object := row.Object.Object.(*unstructured.Unstructured)
		if runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &w) != nil || !f.matches(&w) {
			continue
		}
		row.Cells = append(row.Cells, f.cells(&w, now)...)
		kept = append(kept, row)
	}
	t.Rows = kept
	t.ColumnDefinitions = append(t.ColumnDefinitions, f.columns()...)
}

func (f *filter) matches(w *v1alpha1.Workspace) bool {
	switch {
	case f.notReady && w.ReadyCondition().Status == metav1.ConditionTrue,
		f.unlisted && !meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionUnlisted),
		f.state != "" && f.state != string(w.Spec.State),
		f.tier != "" && f.tier != w.Spec.Tier:
		return false
	}
	return true
}

func (f *filter) columns() (added []metav1.TableColumnDefinition) {
	if f.state == string(v1alpha1.StateDeleted) {
		added = append(added, metav1.TableColumnDefinition{Name: "Removal", Type: "string"})
	}
	if f.unlisted {
		added = append(added, metav1.TableColumnDefinition{Name: "Unlisted", Type: "string"})
	}
	return added
}

func (f *filter) cells(w *v1alpha1.Workspace, now time.Time) (added []any) {
	if f.state == string(v1alpha1.StateDeleted) {
		added = append(added, removal(w.Status.Deletion, now))
	}
	if f.unlisted {
		since := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionUnlisted).LastTransitionTime
		added = append(added, duration.HumanDuration(now.Sub(since.Time)))
	}
	return added
}

// removal says what a deletion removes, and when.
func removal(d *v1alpha1.WorkspaceDeletion, now time.Time) string {
	switch {
	case d == nil:
		return "undecided"
	case d.ExpiresAt != nil:
		return "done; forgotten " + until(d.ExpiresAt, now)
	case d.PurgeStartedAt != nil:
		return "under way for " + duration.HumanDuration(now.Sub(d.PurgeStartedAt.Time))
	case d.PurgeAt != nil:
		return until(d.PurgeAt, now)
	}
	return "never"
}

func until(t *metav1.Time, now time.Time) string {
	if !t.After(now) {
		return "due"
	}
	return "in " + duration.HumanDuration(t.Sub(now))
}
