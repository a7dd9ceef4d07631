package k8s

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
	"platform.company.com/workspace-flyte-integration/internal/rollout"
)

const rollOutCheck = 500 * time.Millisecond

// rollOutError says that replicas did not get ready, and why.
type rollOutError struct{ reasons []string }

// Error implements error. The step has shown all reasons; the first one says enough.
func (e *rollOutError) Error() string { return e.reasons[0] }

// rollOut waits until all replicas of a Deployment are updated and ready.
func (t *Target) rollOut(ctx context.Context, steps *progress.Steps, name string) error {
	return steps.Run(ctx, "roll_out", func(ctx context.Context, step *progress.Step) error {
		return t.awaitRollOut(ctx, step, name)
	})
}

func (t *Target) awaitRollOut(ctx context.Context, step *progress.Step, name string) error {
	w := &rollOutWait{target: t, step: step, name: name}
	err := wait.PollUntilContextTimeout(ctx, rollOutCheck, t.o.Timeout, true, w.check)
	var late *deadlineError
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case wait.Interrupted(err) && (w.unreachable != nil || w.last == nil):
		return fmt.Errorf("reading Deployment %q: %w", name, cmp.Or(w.unreachable, err))
	case !wait.Interrupted(err) && !errors.As(err, &late):
		return err
	}
	return t.rollOutFailure(ctx, w.last, err)
}

// rollOutWait is what is known of a Deployment that is waited for.
type rollOutWait struct {
	target      *Target
	step        *progress.Step
	name        string
	last        *appsv1.Deployment // as it was read last, or nil
	unreachable error              // of reading it since then
	shown       reported
}

// check says whether the Deployment is rolled out. An error is that of one that will not be.
func (w *rollOutWait) check(ctx context.Context) (done bool, err error) {
	d := &appsv1.Deployment{}
	if err := w.target.client.Get(ctx, client.ObjectKey{Namespace: w.target.o.Namespace, Name: w.name}, d); err != nil {
		if ctx.Err() == nil { // the API server's own
			w.unreachable = err
		}
		return false, nil // it may answer again; the last error is reported at the end
	}
	w.last, w.unreachable = d, nil
	state := rollout.StateOf(d)
	w.step.Progress(state.Completed, state.Total, state.Text)
	w.step.Summarize("%s", state.Text)
	if !state.Done {
		w.shown.report(w.step, w.target.reasons(ctx, d))
	}
	return state.Done, deadline(d)
}

// rollOutFailure says what is wrong with the replicas that are not ready.
func (t *Target) rollOutFailure(ctx context.Context, d *appsv1.Deployment, err error) error {
	text := err.Error()
	if wait.Interrupted(err) {
		text = fmt.Sprintf("not ready after %s", t.o.Timeout)
	}
	state, reasons := rollout.StateOf(d), t.reasons(ctx, d)
	if len(reasons) == 0 {
		return &rollOutError{[]string{state.Text + ": " + text}}
	}
	reasons[0] = fmt.Sprintf("%s, %s: %s", state.Text, text, reasons[0])
	return &rollOutError{reasons}
}

// deadlineError says that the Deployment has made no progress for its progressDeadlineSeconds.
type deadlineError struct{ message string }

// Error implements error.
func (e *deadlineError) Error() string { return e.message }

func deadline(d *appsv1.Deployment) error {
	if message := rollout.Stalled(d); message != "" {
		return &deadlineError{message}
	}
	return nil
}

// reported remembers what was shown of pods, so that each reason is shown once.
type reported struct{ texts map[string]bool }

func (r *reported) report(step *progress.Step, reasons []string) {
	if r.texts == nil {
		r.texts = map[string]bool{}
	}
	for _, reason := range reasons {
		if !r.texts[reason] {
			r.texts[reason] = true
			step.Output(reason)
		}
	}
}

// pods lists the pods of a Deployment.
func (t *Target) pods(ctx context.Context, d *appsv1.Deployment) ([]corev1.Pod, error) {
	var pods corev1.PodList
	err := t.client.List(ctx, &pods, client.InNamespace(t.o.Namespace), client.MatchingLabels(d.Spec.Selector.MatchLabels))
	if err != nil {
		return nil, fmt.Errorf("listing the pods of Deployment %q: %w", d.Name, err)
	}
	return pods.Items, nil
}
