package rollout

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
)

// State is how far a roll-out is, as `kubectl rollout status` judges it.
type State struct {
	Done bool
	// Completed counts the replicas that are updated and available, of Total.
	Completed, Total int
	// Text says it in a few words, such as "Updating: 2/3 ready".
	Text string
}

// StateOf returns the state of a Deployment.
func StateOf(d *appsv1.Deployment) State {
	total := int32(1)
	if d.Spec.Replicas != nil {
		total = *d.Spec.Replicas
	}
	s := d.Status
	ready := min(s.UpdatedReplicas, s.AvailableReplicas)
	state := State{Completed: int(min(ready, total)), Total: int(total)}
	switch {
	case s.ObservedGeneration < d.Generation:
		state.Completed, state.Text = 0, "Updating: the Deployment is not yet observed"
	case ready < total:
		state.Text = fmt.Sprintf("Updating: %d/%d ready", ready, total)
	case s.Replicas > min(s.UpdatedReplicas, total):
		state.Text = fmt.Sprintf("Updating: %d/%d ready, %d to stop", min(ready, total), total, s.Replicas-min(s.UpdatedReplicas, total))
	default:
		state.Done, state.Text = true, fmt.Sprintf("%d/%d ready", min(ready, total), total)
	}
	return state
}

// Stalled returns why the Deployment has made no progress for its progressDeadlineSeconds, or "".
func Stalled(d *appsv1.Deployment) string {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing && c.Reason == "ProgressDeadlineExceeded" && d.Status.ObservedGeneration >= d.Generation {
			return c.Message
		}
	}
	return ""
}
