package workspaceservice

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// change is what a status has to become.
type change func(*v1alpha1.Workspace)

// taken notes a report that the workspace service has taken.
func taken(m message) change {
	return func(w *v1alpha1.Workspace) {
		w.Status.Reported = &v1alpha1.Reported{
			Version: m.report.Version, Status: m.report.Status, Reason: m.report.Reason, Digest: m.digest, Time: metav1.Now(),
		}
		setReported(w, metav1.ConditionTrue, v1alpha1.ReasonReported, "")
	}
}

// turnedDown notes a report that the workspace service refuses.
func turnedDown(err *RefusedError) change {
	return func(w *v1alpha1.Workspace) {
		setReported(w, metav1.ConditionFalse, v1alpha1.ReasonReportRefused, err.Error())
	}
}

func setReported(w *v1alpha1.Workspace, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&w.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReported, Status: status, Reason: reason, Message: message, ObservedGeneration: w.Generation,
	})
}

// note writes the outcome of a report, also of a process that is stopping: else it would be sent again. It is guarded by
// resourceVersion, and where another leader has noted a later report meanwhile, that one stands.
func (r *Reporter) note(ctx context.Context, d due, become change) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	w, known := d.workspace, d.workspace.Status.Reported
	for range maxRounds {
		err := r.write(ctx, w, become)
		if !apierrors.IsConflict(err) {
			return client.IgnoreNotFound(err)
		}
		id, uid := w.Name, w.UID
		w = &v1alpha1.Workspace{}
		if err := r.Live.Get(ctx, client.ObjectKey{Name: id}, w); err != nil {
			return client.IgnoreNotFound(err)
		}
		if w.UID != uid || !equality.Semantic.DeepEqual(w.Status.Reported, known) {
			return nil
		}
	}
	return errors.New("noting a report: too many writers at once")
}

func (r *Reporter) write(ctx context.Context, w *v1alpha1.Workspace, become change) error {
	after := w.DeepCopy()
	become(after)
	if equality.Semantic.DeepEqual(w.Status, after.Status) {
		return nil
	}
	guarded := client.MergeFromWithOptions(w, client.MergeFromWithOptimisticLock{})
	if err := r.Cached.Status().Patch(ctx, after, guarded); err != nil {
		return fmt.Errorf("noting a report: %w", err)
	}
	condition := meta.FindStatusCondition(after.Status.Conditions, v1alpha1.ConditionReported)
	if condition.Status == metav1.ConditionFalse {
		r.Events.Eventf(after, nil, corev1.EventTypeWarning, condition.Reason, "Report", "%s", condition.Message)
	}
	return nil
}
