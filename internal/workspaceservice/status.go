package workspaceservice

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// markReported records that the workspace service has accepted a report.
func (m message) markReported(w *v1alpha1.Workspace) {
	w.Status.Reported = &v1alpha1.Reported{
		Version: m.report.Version, Status: m.report.Status, Reason: m.report.Reason, Digest: m.hash, Time: metav1.Now(),
	}
	setReported(w, metav1.ConditionTrue, v1alpha1.ReasonReported, "")
}

// markRefused records that the workspace service has refused a report.
func markRefused(message string) func(*v1alpha1.Workspace) {
	return func(w *v1alpha1.Workspace) {
		setReported(w, metav1.ConditionFalse, v1alpha1.ReasonReportRefused, message)
	}
}

func setReported(w *v1alpha1.Workspace, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&w.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReported, Status: status, Reason: reason, Message: message, ObservedGeneration: w.Generation,
	})
}

// updateStatus writes the outcome of a report, even if the process is stopping: otherwise the report would be sent again. If
// another leader has reported something since, that stays.
func (r *Reporter) updateStatus(ctx context.Context, m message, mark func(*v1alpha1.Workspace)) (written bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	uid, reported := m.workspace.UID, m.workspace.Status.Reported
	written, err = patchStatus(ctx, r.Cached, r.Live, m.workspace, func(w *v1alpha1.Workspace) {
		if w.UID == uid && equality.Semantic.DeepEqual(w.Status.Reported, reported) {
			mark(w)
		}
	})
	if err != nil {
		return false, fmt.Errorf("recording a report: %w", err)
	}
	return written, nil
}

// patchStatus changes the status of a Workspace, guarded by resourceVersion. After a conflict it changes the newest one.
func patchStatus(
	ctx context.Context, writer client.Client, live client.Reader, w *v1alpha1.Workspace, mutate func(*v1alpha1.Workspace),
) (written bool, err error) {
	for range maxConflicts {
		after := w.DeepCopy()
		mutate(after)
		if equality.Semantic.DeepEqual(w.Status, after.Status) {
			return false, nil
		}
		err := writer.Status().Patch(ctx, after, client.MergeFromWithOptions(w, client.MergeFromWithOptimisticLock{}))
		if !apierrors.IsConflict(err) {
			return err == nil, client.IgnoreNotFound(err)
		}
		id := w.Name
		w = &v1alpha1.Workspace{}
		if err := live.Get(ctx, client.ObjectKey{Name: id}, w); err != nil {
			return false, client.IgnoreNotFound(err)
		}
	}
	return false, errors.New("other clients keep changing the Workspace")
}
