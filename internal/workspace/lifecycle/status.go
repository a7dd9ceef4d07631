package lifecycle

import (
	"encoding/json"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// settle writes the outcomes into the status: the worst outcome of each condition, and Ready from all of them.
// Conditions that nobody here writes go; those of package report stay.
func settle(w *v1alpha1.Workspace, outcomes []outcome) {
	w.Status.ObservedGeneration = w.Generation
	known := append(v1alpha1.StepConditions(), v1alpha1.ConditionReady, v1alpha1.ConditionReported, v1alpha1.ConditionOrphaned)
	w.Status.Conditions = slices.DeleteFunc(w.Status.Conditions, func(c metav1.Condition) bool { return !slices.Contains(known, c.Type) })
	outcomes = slices.Clone(outcomes)
	for i, o := range outcomes {
		outcomes[i] = o.steady(meta.FindStatusCondition(w.Status.Conditions, o.condition))
	}
	for _, condition := range v1alpha1.StepConditions() {
		if o, ok := worst(outcomes, condition); ok {
			setCondition(w, o)
		}
	}
	setCondition(w, ready(w, outcomes))
}

// forgetReports takes away what package report has written.
func forgetReports(w *v1alpha1.Workspace) {
	w.Status.Reported = nil
	meta.RemoveStatusCondition(&w.Status.Conditions, v1alpha1.ConditionReported)
	meta.RemoveStatusCondition(&w.Status.Conditions, v1alpha1.ConditionOrphaned)
}

func worst(outcomes []outcome, condition string) (worst outcome, found bool) {
	for _, o := range outcomes {
		if o.condition == condition && (!found || worst.done) {
			worst, found = o, true
		}
	}
	return worst, found
}

// ready derives Ready: the first step that stands in the way gives its reason; a workspace with all of its steps done
// is Ready only while it is Active.
func ready(w *v1alpha1.Workspace, outcomes []outcome) outcome {
	if o, ok := worst(outcomes, v1alpha1.ConditionReady); ok {
		return o
	}
	for _, condition := range v1alpha1.StepConditions() {
		if o, ok := worst(outcomes, condition); ok && !o.done {
			return waiting(v1alpha1.ConditionReady, o.reason, condition+": "+o.message)
		}
	}
	switch w.Spec.State {
	case v1alpha1.StateSuspended:
		return waiting(v1alpha1.ConditionReady, v1alpha1.ReasonSuspended, "everything is kept; members may look, nothing new starts")
	case v1alpha1.StateDeleted:
		return waiting(v1alpha1.ConditionReady, v1alpha1.ReasonDeleted, deleted(w.Status.Deletion))
	case v1alpha1.StateActive:
	}
	return done(v1alpha1.ConditionReady, v1alpha1.ReasonReady, "everything is there")
}

func setCondition(w *v1alpha1.Workspace, o outcome) {
	status := metav1.ConditionFalse
	if o.done {
		status = metav1.ConditionTrue
	}
	meta.SetStatusCondition(&w.Status.Conditions, metav1.Condition{
		Type: o.condition, Status: status, Reason: o.reason, Message: o.message, ObservedGeneration: w.Generation,
	})
}

// statusOf names the status of a Workspace among what the controller writes.
func statusOf(w *v1alpha1.Workspace) string { return "status of " + w.Name }

// ownStatus is the status without the part of package report, which the controller leaves as it is.
func ownStatus(w *v1alpha1.Workspace) v1alpha1.WorkspaceStatus {
	own := w.Status
	own.Reported = nil
	own.Conditions = slices.DeleteFunc(slices.Clone(own.Conditions), func(c metav1.Condition) bool {
		return c.Type == v1alpha1.ConditionReported
	})
	return own
}

// wishOf tells one status from another, but for the times in it: the same one again and again is a dispute.
func wishOf(s *v1alpha1.WorkspaceStatus) string {
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

// eventType is Warning for what a person should look at.
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
