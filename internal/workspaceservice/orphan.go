package workspaceservice

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// mark gives the condition Orphaned to what the listing lacks, and takes it from what is listed again. Nothing else
// follows from a workspace's absence.
func (r *Resync) mark(ctx context.Context, l *listing) (differences []Difference, err error) {
	if l.unreadable {
		return nil, nil // it may be any of them
	}
	for id, w := range l.before {
		was, is := meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionOrphaned), l.isOrphan(w)
		if was == is {
			continue
		}
		d := Difference{WorkspaceID: id, What: DifferenceListed}
		if is {
			d.What = DifferenceOrphaned
		}
		if waited := r.limiter.Wait(ctx); waited != nil {
			return differences, waited
		}
		if failed := r.markOne(ctx, w, l); failed != nil {
			err = errors.Join(err, fmt.Errorf("marking Workspace %q as %s: %w", id, d.What, failed))
			continue
		}
		differences = append(differences, d)
	}
	return differences, err
}

// markOne writes, guarded by resourceVersion, what is true of the Workspace as it is then.
func (r *Resync) markOne(ctx context.Context, w *v1alpha1.Workspace, l *listing) error {
	if r.DryRun {
		return nil
	}
	for range maxRounds {
		after := w.DeepCopy()
		if l.isOrphan(w) {
			meta.SetStatusCondition(&after.Status.Conditions, metav1.Condition{
				Type: v1alpha1.ConditionOrphaned, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonNotListed,
				Message: "the workspace service does not list it; it is kept as it is", ObservedGeneration: w.Generation,
			})
		} else {
			meta.RemoveStatusCondition(&after.Status.Conditions, v1alpha1.ConditionOrphaned)
		}
		guarded := client.MergeFromWithOptions(w, client.MergeFromWithOptimisticLock{})
		err := r.Cached.Status().Patch(ctx, after, guarded)
		if !apierrors.IsConflict(err) {
			return client.IgnoreNotFound(err)
		}
		id := w.Name
		w = &v1alpha1.Workspace{}
		if err := r.Live.Get(ctx, client.ObjectKey{Name: id}, w); err != nil {
			return client.IgnoreNotFound(err)
		}
	}
	return errors.New("too many writers at once")
}
