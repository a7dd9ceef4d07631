package kueue

import (
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// memberOf is an admin of a workspace, with the pods of one that is full: whatever the member creates must wait.
func memberOf(t *testing.T, id string) client.Client {
	t.Helper()
	queued(t, id, "2", noCohort)
	awaitRunning(t, start(t, id, development, "running"))
	return shared.Env().As(t, "ana@company.com")
}

// TestQueue_TakesWhatNamesNone: pods, Jobs and Deployments of members without the label wait in the queue of their namespace.
func TestQueue_TakesWhatNamesNone(t *testing.T) {
	t.Parallel()
	const id = "unlabelled"
	member := memberOf(t, id)
	pod := ownPod(id, "pod")
	harness.Must(t, member.Create(t.Context(), pod))
	awaitPending(t, pod)
	job := ownJob(id, "job")
	harness.Must(t, member.Create(t.Context(), job))
	awaitPendingOwner(t, job, "Job")
	startJob := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"suspend":false}}`))
	if err := member.Patch(t.Context(), job, startJob); !apierrors.IsForbidden(err) {
		t.Errorf("a member started a waiting Job: %v", err)
	}
}

// TestQueue_IsNotBypassed: the API server refuses a member each way around the queue.
func TestQueue_IsNotBypassed(t *testing.T) {
	t.Parallel()
	const id = "bypass"
	member := memberOf(t, id)
	waiting, job := ownPod(id, "waiting"), ownJob(id, "job")
	harness.Must(t, member.Create(t.Context(), waiting))
	harness.Must(t, member.Create(t.Context(), job))
	awaitPending(t, waiting)
	awaitPendingOwner(t, job, "Job")
	for name, c := range map[string]struct{ patch, want string }{
		"ungated":          {`{"spec":{"schedulingGates":null}}`, "keep the scheduling gates of kueue.x-k8s.io"},
		"out of the queue": {`{"metadata":{"labels":{"kueue.x-k8s.io/queue-name":null}}}`, "keep their labels and annotations"},
		"in another queue": {`{"metadata":{"labels":{"kueue.x-k8s.io/queue-name":"other"}}}`, "name no queue but default"},
		"not Kueue's":      {`{"metadata":{"labels":{"kueue.x-k8s.io/managed":null}}}`, "keep their labels and annotations"},
	} {
		patch := client.RawPatch(types.MergePatchType, []byte(c.patch))
		if err := member.Patch(t.Context(), waiting.DeepCopy(), patch); !refused(err, c.want) {
			t.Errorf("a waiting pod %s: got %v, want a refusal that says %q", name, err, c.want)
		}
	}
	ofJob := *metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))
	for name, c := range map[string]struct {
		edit func(*corev1.Pod)
		want string
	}{
		"of another queue": {func(p *corev1.Pod) { p.Labels = map[string]string{queueLabel: "other"} }, "name no queue but default"},
		"of the Job":       {func(p *corev1.Pod) { p.OwnerReferences = []metav1.OwnerReference{ofJob} }, "Kueue has not gated it"},
	} {
		pod := ownPod(id, "new")
		c.edit(pod)
		if err := member.Create(t.Context(), pod); !refused(err, c.want) {
			t.Errorf("a new pod %s: got %v, want a refusal that says %q", name, err, c.want)
		}
	}
}

func refused(err error, why string) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), why)
}

// ownPod is a pod of 2 cores that a member makes.
func ownPod(id, name string) *corev1.Pod {
	pod := task(id, development, name)
	pod.Labels, pod.OwnerReferences = nil, nil
	return pod
}

func ownJob(id, name string) *batchv1.Job {
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "flyte-" + id + "-" + development, Name: name}}
	job.Spec.Template.Spec = ownPod(id, name).Spec
	return job
}
