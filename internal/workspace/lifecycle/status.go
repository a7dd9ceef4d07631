package lifecycle

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

// setConditions writes the outcomes into the status: for each condition the first that is not done, and Ready from all of
// them. A condition that does not apply is removed. Unknown conditions are removed; those of package workspaceservice stay.
func setConditions(w *v1alpha1.Workspace, outcomes []outcome) {
	w.Status.ObservedGeneration = w.Generation
	known := append(v1alpha1.StepConditions(), v1alpha1.ConditionReady, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled,
		v1alpha1.ConditionReported, v1alpha1.ConditionUnlisted)
	w.Status.Conditions = slices.DeleteFunc(w.Status.Conditions, func(c metav1.Condition) bool { return !slices.Contains(known, c.Type) })
	outcomes = slices.Clone(outcomes)
	for i, o := range outcomes {
		outcomes[i] = o.steady(meta.FindStatusCondition(w.Status.Conditions, o.condition))
	}
	for _, condition := range v1alpha1.StepConditions() {
		if o, ok := firstNotDone(outcomes, condition); ok && o != without(condition) {
			setCondition(w, o)
		} else if ok {
			meta.RemoveStatusCondition(&w.Status.Conditions, condition)
		}
	}
	overall := ready(w, outcomes)
	setCondition(w, overall)
	setProgress(w, overall)
}

// setProgress sets Reconciling or Stalled of a workspace that is not Ready, and removes them otherwise.
func setProgress(w *v1alpha1.Workspace, ready outcome) {
	stalled := v1alpha1.RequiresAction(ready.reason)
	for condition, applies := range map[string]bool{v1alpha1.ConditionStalled: stalled, v1alpha1.ConditionReconciling: !stalled} {
		if applies && !ready.done {
			setCondition(w, done(condition, ready.reason, ready.message))
		} else {
			meta.RemoveStatusCondition(&w.Status.Conditions, condition)
		}
	}
}

// removeReports removes what package workspaceservice has written.
func removeReports(w *v1alpha1.Workspace) {
	w.Status.Reported = nil
	meta.RemoveStatusCondition(&w.Status.Conditions, v1alpha1.ConditionReported)
	meta.RemoveStatusCondition(&w.Status.Conditions, v1alpha1.ConditionUnlisted)
}

// firstNotDone is the first outcome of a condition that is not done, or else the last.
func firstNotDone(outcomes []outcome, condition string) (first outcome, found bool) {
	for _, o := range outcomes {
		if o.condition == condition && (!found || first.done) {
			first, found = o, true
		}
	}
	return first, found
}

// ready derives Ready: the first step that is not done gives its reason. With all steps done, the workspace is as its spec
// wants it, and the state gives the reason.
func ready(w *v1alpha1.Workspace, outcomes []outcome) outcome {
	if o, ok := firstNotDone(outcomes, v1alpha1.ConditionReady); ok {
		return o
	}
	for _, condition := range v1alpha1.StepConditions() {
		if o, ok := firstNotDone(outcomes, condition); ok && !o.done {
			return waiting(v1alpha1.ConditionReady, o.reason, condition+": "+o.message)
		}
	}
	switch w.Spec.State {
	case v1alpha1.StateSuspended:
		const kept = "all resources are kept; members have read-only access, and nothing new starts"
		return done(v1alpha1.ConditionReady, v1alpha1.ReasonSuspended, kept)
	case v1alpha1.StateDeleted:
		if w.Tombstone() {
			return done(v1alpha1.ConditionReady, v1alpha1.ReasonPurged, purgedMessage)
		}
		return done(v1alpha1.ConditionReady, v1alpha1.ReasonDeleted, deletedMessage(w.Status.Deletion))
	case v1alpha1.StateActive:
	}
	return done(v1alpha1.ConditionReady, v1alpha1.ReasonReady, "all resources are in place")
}

func setCondition(w *v1alpha1.Workspace, o outcome) {
	meta.SetStatusCondition(&w.Status.Conditions, o.toCondition(w.Generation))
}

// ownStatus is the status without the part of package workspaceservice, which the controller leaves as it is.
func ownStatus(w *v1alpha1.Workspace) v1alpha1.WorkspaceStatus {
	own := w.Status
	own.Reported = nil
	own.Conditions = slices.DeleteFunc(slices.Clone(own.Conditions), func(c metav1.Condition) bool {
		return c.Type == v1alpha1.ConditionReported
	})
	return own
}

// statusWithoutTimes is a status as text. To write the same one again and again is throttled.
func statusWithoutTimes(s *v1alpha1.WorkspaceStatus) string {
	timeless := s.DeepCopy()
	for i := range timeless.Conditions {
		timeless.Conditions[i].LastTransitionTime = metav1.Time{}
	}
	text, err := json.Marshal(timeless)
	if err != nil {
		panic("marshalling a status: " + err.Error())
	}
	return string(text)
}

// eventType is Warning for reasons that need attention.
func eventType(ready metav1.Condition) string {
	expected := []string{
		v1alpha1.ReasonReady, v1alpha1.ReasonSuspended, v1alpha1.ReasonDeleted, v1alpha1.ReasonPurging, v1alpha1.ReasonPurged,
		v1alpha1.ReasonAwaitingContent, v1alpha1.ReasonWaitingForNamespace,
	}
	if slices.Contains(expected, ready.Reason) {
		return corev1.EventTypeNormal
	}
	return corev1.EventTypeWarning
}

// writeStatus writes the status if it changed, guarded by resourceVersion: what was observed of a Workspace must not be written
// to another one that has taken its name since, and whose generation may be the same.
func (c *Controller) writeStatus(ctx context.Context, before, after *v1alpha1.Workspace) error {
	if equality.Semantic.DeepEqual(before.Status, after.Status) {
		return nil
	}
	if !c.Applier.Allow("status of "+after.Name, statusWithoutTimes(&after.Status)) {
		return k8s.ErrThrottled
	}
	guarded := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	err := c.client.Status().Patch(ctx, after.DeepCopy(), guarded)
	if apierrors.IsNotFound(err) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return fmt.Errorf("writing status: %w", err)
	}
	c.tiers.signal()
	c.timeToReady.end(after)
	c.recordTransition(ctx, before, after)
	return nil
}

// recordTransition logs a change of Ready once, and records an Event for it. A new workspace that is Ready at once is expected, and
// gets no Event.
func (c *Controller) recordTransition(ctx context.Context, before, after *v1alpha1.Workspace) {
	was, is := before.ReadyCondition(), after.ReadyCondition()
	if was.Status == is.Status && was.Reason == is.Reason {
		return
	}
	log.FromContext(ctx).Info("workspace changed", "ready", is.Status, "reason", is.Reason)
	if was.Status == "" && is.Status == metav1.ConditionTrue {
		return
	}
	c.Events.Eventf(after, nil, eventType(is), is.Reason, "Reconcile", "%s", is.Message)
}
