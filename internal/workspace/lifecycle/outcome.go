package lifecycle

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/printable"
)

const (
	// maxMessage bounds what of an error stands in a condition, in bytes.
	maxMessage = 512
	// recheckInterval is how often something is checked again of which no watch reports: foreign namespaces and projects.
	recheckInterval = 10 * time.Minute
)

// outcome is how far a step got: done, waiting for an event or a time, or an error that is retried with backoff.
type outcome struct {
	condition, reason, message string
	// quoted is the end of the message that others wrote, and that may vary.
	quoted string
	done   bool
	// after, if not zero, is when to reconcile again without an event.
	after time.Duration
	// err, if not nil, has the whole Reconcile retried with backoff.
	err error
}

func done(condition, reason, message string) outcome {
	return outcome{condition: condition, reason: reason, message: message, done: true}
}

func waiting(condition, reason, message string) outcome {
	return outcome{condition: condition, reason: reason, message: message}
}

// waitFor is waiting with a time, spread so that many workspaces don't come at once.
func waitFor(condition, reason, message string, about time.Duration) outcome {
	o := waiting(condition, reason, message)
	o.after = about + rand.N(about) //nolint:gosec // a spread, no secret
	return o
}

// failed is the outcome of an error of the Kubernetes API.
func failed(condition string, err error) outcome {
	message := bounded(err.Error())
	switch {
	case errors.Is(err, k8s.ErrForeign), errors.Is(err, k8s.ErrForeignObject):
		return waitFor(condition, v1alpha1.ReasonConflict, message, recheckInterval)
	case errors.Is(err, k8s.ErrTerminating):
		return waitFor(condition, v1alpha1.ReasonNamespaceTerminating, message, recheckInterval)
	case errors.Is(err, k8s.ErrFinalizing):
		return waitFor(condition, v1alpha1.ReasonObjectTerminating, message, recheckInterval)
	case errors.Is(err, k8s.ErrThrottled), errors.Is(err, k8s.ErrMutated):
		return waitFor(condition, v1alpha1.ReasonContested, message, k8s.RepairInterval)
	}
	return apiError(condition, err)
}

// applied is the outcome of applying objects: done, or how the first of errs failed.
func applied(condition string, errs ...error) outcome {
	if err := cmp.Or(errs...); err != nil {
		return failed(condition, err)
	}
	return done(condition, v1alpha1.ReasonApplied, "")
}

// or is o, or other if o is done: an outcome that is not done takes precedence.
func (o outcome) or(other outcome) outcome {
	if o.done {
		return other
	}
	return o
}

// toCondition is the outcome as a condition of an object with this generation: True if it is done.
func (o outcome) toCondition(generation int64) metav1.Condition {
	status := metav1.ConditionFalse
	if o.done {
		status = metav1.ConditionTrue
	}
	return metav1.Condition{
		Type: o.condition, Status: status, Reason: o.reason, Message: o.message, ObservedGeneration: generation,
	}
}

// next says when controller-runtime should call again: after an error with backoff, else at the earliest time that an outcome names.
func next(outcomes []outcome) (reconcile.Result, error) {
	var result reconcile.Result
	for _, o := range outcomes {
		if o.err != nil {
			return reconcile.Result{}, o.err
		}
		if o.after > 0 && (result.RequeueAfter == 0 || o.after < result.RequeueAfter) {
			result.RequeueAfter = o.after
		}
	}
	return result, nil
}

// bounded makes a text fit for a condition.
func bounded(text string) string { return printable.Text(text, maxMessage) }
