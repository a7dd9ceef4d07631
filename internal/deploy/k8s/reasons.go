package k8s

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/kubectl/pkg/util/podutils"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	shownEvents = 2
	shownLines  = 5
)

// reasons say why a Deployment is not ready: what its controller could not create, then each pod that is not ready, with its container's
// state, its newest warnings and the last lines of its log.
func (t *Target) reasons(ctx context.Context, d *appsv1.Deployment) (all []string) {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			all = append(all, "pods are not created: "+c.Message)
		}
	}
	pods, err := t.pods(ctx, d)
	if err != nil {
		return append(all, err.Error())
	}
	for i := range pods {
		pod := &pods[i]
		if pod.DeletionTimestamp == nil && !podutils.IsPodReady(pod) {
			all = append(all, t.podReasons(ctx, pod)...)
		}
	}
	return all
}

func (t *Target) podReasons(ctx context.Context, pod *corev1.Pod) (all []string) {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			all = append(all, fmt.Sprintf("pod %s: %s: %s", pod.Name, c.Reason, c.Message))
		}
	}
	for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if text := containerReason(&s); text != "" {
			all = append(all, fmt.Sprintf("pod %s: %s: %s", pod.Name, s.Name, text))
		}
		if s.LastTerminationState.Terminated != nil {
			all = append(all, t.lastLines(ctx, pod, s.Name)...)
		}
	}
	return append(all, t.warnings(ctx, pod)...)
}

// containerReason says what is wrong with a container, or "".
func containerReason(s *corev1.ContainerStatus) string {
	switch {
	case s.State.Waiting != nil && s.State.Waiting.Reason != "ContainerCreating" && s.State.Waiting.Reason != "PodInitializing":
		return strings.TrimSuffix(s.State.Waiting.Reason+": "+s.State.Waiting.Message, ": ")
	case s.State.Terminated != nil && s.State.Terminated.ExitCode != 0:
		return fmt.Sprintf("%s, exit code %d", s.State.Terminated.Reason, s.State.Terminated.ExitCode)
	case s.State.Running != nil && !s.Ready:
		return "runs, and is not ready"
	}
	return ""
}

// warnings are the newest warnings about a pod.
func (t *Target) warnings(ctx context.Context, pod *corev1.Pod) (all []string) {
	var events corev1.EventList
	about := fields.Set{"involvedObject.uid": string(pod.UID), "type": corev1.EventTypeWarning}.AsSelector()
	if err := t.client.List(ctx, &events, client.InNamespace(pod.Namespace), client.MatchingFieldsSelector{Selector: about}); err != nil {
		return nil // an Event explains, and its absence changes nothing
	}
	slices.SortFunc(events.Items, func(a, b corev1.Event) int { return cmp.Compare(eventTime(&b), eventTime(&a)) })
	for i := range min(len(events.Items), shownEvents) {
		e := &events.Items[i]
		all = append(all, fmt.Sprintf("pod %s: Event %s: %s", pod.Name, e.Reason, e.Message))
	}
	return all
}

func eventTime(e *corev1.Event) int64 {
	return max(e.LastTimestamp.UnixNano(), e.EventTime.UnixNano(), e.CreationTimestamp.UnixNano())
}

// lastLines are the last lines of a container that has ended before.
func (t *Target) lastLines(ctx context.Context, pod *corev1.Pod, container string) (all []string) {
	stream, err := t.clientset.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{
		Container: container, Previous: true, TailLines: new(int64(shownLines)),
	}).Stream(ctx)
	if err != nil {
		return nil
	}
	defer stream.Close()
	for lines := bufio.NewScanner(stream); lines.Scan(); {
		all = append(all, fmt.Sprintf("pod %s: log: %s", pod.Name, lines.Text()))
	}
	return all
}
