package kueue

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// send delivers an event, and waits for its effect.
func send(t *testing.T, kind workspace.EventType, id string, version int64, reason string) {
	t.Helper()
	env := shared.Env()
	d := workspace.Data{WorkspaceID: id, Version: version}
	env.Deliver(t, harness.NewMessage(t, kind, d))
	env.AwaitReason(t, id, reason)
}

// TestQueue_HoldsWhileSuspended: what runs goes on, what waits is not admitted although there is room, and is when the workspace resumes.
func TestQueue_HoldsWhileSuspended(t *testing.T) {
	t.Parallel()
	const id = "held"
	queued(t, id, "4", noCohort)
	queued(t, "free", "2", noCohort)
	running, finishing := start(t, id, development, "running"), start(t, id, staging, "finishing")
	awaitRunning(t, running, finishing)
	waiting := start(t, id, production, "waiting")
	awaitPending(t, waiting)

	filler := start(t, "free", development, "filler")
	awaitRunning(t, filler)
	later := start(t, "free", development, "later")
	awaitPending(t, later)
	send(t, workspace.EventSuspended, id, 2, v1alpha1.ReasonSuspended)
	awaitQueue(t, id, v1alpha1.ReasonQueueHeld)
	finish(t, finishing)
	awaitUsage(t, id, "2")
	finish(t, filler)
	awaitRunning(t, later) // so Kueue has looked again at what waited when room was made in the held queue
	if live := harness.Get(t, shared.Env(), &corev1.Pod{}, waiting.Namespace, waiting.Name); !isGated(live) {
		t.Errorf("the held queue has admitted a pod: %+v", live.Status)
	}
	awaitRunning(t, running)
	send(t, workspace.EventResumed, id, 3, v1alpha1.ReasonReady)
	awaitRunning(t, running, waiting)
}

// awaitUsage waits until Kueue has noticed that the workspace uses that many cores.
func awaitUsage(t *testing.T, id, cores string) {
	t.Helper()
	harness.Eventually(t, id+" to use "+cores+" cores", func(ctx context.Context) bool {
		var own kueue.ClusterQueue
		if err := shared.Env().Admin.Get(ctx, client.ObjectKey{Name: "workspace-" + id}, &own); err != nil {
			return false
		}
		for _, flavor := range own.Status.FlavorsUsage {
			for _, used := range flavor.Resources {
				if used.Name == corev1.ResourceCPU && used.Total.String() == cores {
					return true
				}
			}
		}
		return false
	})
}

// TestQueue_GoesWithTheWorkspace: nothing of a queue is left of a deleted workspace, and its pods don't keep the namespaces.
func TestQueue_GoesWithTheWorkspace(t *testing.T) {
	t.Parallel()
	const id = "leaving"
	queued(t, id, "2", noCohort)
	awaitRunning(t, start(t, id, development, "running"))
	awaitPending(t, start(t, id, production, "waiting"))
	send(t, workspace.EventDeleted, id, 2, v1alpha1.ReasonPurged)
	harness.Eventually(t, "namespaces and queues to be gone", func(ctx context.Context) bool {
		return isGone(ctx, &corev1.Namespace{}, "flyte-"+id+"-"+development) && isGone(ctx, &kueue.ClusterQueue{}, "workspace-"+id)
	})
}

// TestQueue_IsTurnedOff: the ResourceQuotas bound everything again. Kueue still lets go of the pods that it had taken, and of the
// ClusterQueue with the last of them.
func TestQueue_IsTurnedOff(t *testing.T) {
	t.Parallel()
	const id = "unqueued"
	env := environment(t)
	queued(t, id, "6", noCohort)
	pods := []*corev1.Pod{start(t, id, development, "first"), start(t, id, development, "second"), start(t, id, development, "third")}
	awaitRunning(t, pods...)
	pods = append(pods, start(t, id, development, "waiting"))
	awaitPending(t, pods[3])

	env.ChangeTier(t, id, func(spec *v1alpha1.WorkspaceTierSpec) { spec.Queue = nil })
	harness.Eventually(t, "the namespace to have no queue", func(ctx context.Context) bool {
		var namespace corev1.Namespace
		err := env.Admin.Get(ctx, client.ObjectKey{Name: pods[0].Namespace}, &namespace)
		return err == nil && namespace.Labels[v1alpha1.LabelQueue] == ""
	})
	quota := harness.Get(t, env, &corev1.ResourceQuota{}, pods[0].Namespace, "workspace-quota")
	if cores := quota.Spec.Hard[corev1.ResourceRequestsCPU]; cores.String() != "2" {
		t.Errorf("without its queue the namespace is bounded by %s cores, want 2", cores.String())
	}
	for _, pod := range pods {
		harness.Must(t, env.Admin.Delete(t.Context(), pod))
	}
	for _, pod := range pods {
		harness.Eventually(t, pod.Name+" to be gone", func(ctx context.Context) bool {
			return apierrors.IsNotFound(env.Admin.Get(ctx, client.ObjectKeyFromObject(pod), &corev1.Pod{}))
		})
	}
	harness.Eventually(t, "the ClusterQueue to be gone", func(ctx context.Context) bool {
		return isGone(ctx, &kueue.ClusterQueue{}, "workspace-"+id)
	})
}

func isGone(ctx context.Context, o client.Object, name string) bool {
	return apierrors.IsNotFound(shared.Env().Admin.Get(ctx, client.ObjectKey{Name: name}, o))
}
