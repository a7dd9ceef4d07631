package workspaceservice

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// markUnlisted sets the condition Unlisted on Workspaces that the listing lacks, and removes it from those that are listed again.
// Nothing else follows from a missing workspace.
func (r *Resync) markUnlisted(ctx context.Context, c *comparison) (differences []Difference, err error) {
	if c.unreadable {
		return nil, nil // the unreadable item may be any of them
	}
	for id, w := range c.workspaces {
		d := Difference{WorkspaceID: id, Kind: DifferenceListed}
		if c.isUnlisted(w) {
			d.Kind = DifferenceUnlisted
		}
		if meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionUnlisted) == (d.Kind == DifferenceUnlisted) {
			continue
		}
		if waited := r.limiter.Wait(ctx); waited != nil {
			return differences, waited
		}
		if !r.DryRun {
			if _, failed := patchStatus(ctx, r.Cached, r.Live, w, c.setUnlisted); failed != nil {
				err = errors.Join(err, fmt.Errorf("marking Workspace %q as %s: %w", id, d.Kind, failed))
				continue
			}
		}
		differences = append(differences, d)
	}
	return differences, err
}

func (c *comparison) setUnlisted(w *v1alpha1.Workspace) {
	if !c.isUnlisted(w) {
		meta.RemoveStatusCondition(&w.Status.Conditions, v1alpha1.ConditionUnlisted)
		return
	}
	meta.SetStatusCondition(&w.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionUnlisted, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonNotListed, ObservedGeneration: w.Generation,
		Message: "the workspace service does not list the workspace, which is kept; delete it there, or create it there",
	})
}

// isUnlisted reports whether the listing should have the Workspace, and lacks it. It may lack deleted ones.
func (c *comparison) isUnlisted(w *v1alpha1.Workspace) bool {
	return !c.listed[w.Name] && w.Spec.State != v1alpha1.StateDeleted && w.DeletionTimestamp.IsZero()
}
