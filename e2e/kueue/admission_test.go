package kueue

import (
	"context"
	"fmt"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

func noCohort(*v1alpha1.TierQueue) {}

// TestQueue_BeginsWhenKueueIsInstalled: the workspace was Ready or not before, its queue is now, and its tasks run and wait.
func TestQueue_BeginsWhenKueueIsInstalled(t *testing.T) {
	t.Parallel()
	environment(t)
	awaitQueue(t, early, v1alpha1.ReasonApplied)
	awaitRunning(t, start(t, early, development, "one"), start(t, early, staging, "two"))
	awaitPending(t, start(t, early, production, "three"))
}

// TestQueue_AdmitsUpToTheQuotaOfAllNamespaces: the fourth task of 2 cores waits for one of 6, wherever it is, and is not refused.
func TestQueue_AdmitsUpToTheQuotaOfAllNamespaces(t *testing.T) {
	t.Parallel()
	const id = "three-domains"
	queued(t, id, "6", noCohort)
	first := start(t, id, development, "first")
	awaitRunning(t, first, start(t, id, development, "second"), start(t, id, staging, "third"))
	fourth := start(t, id, production, "fourth")
	awaitPending(t, fourth)
	finish(t, first)
	awaitRunning(t, fourth)
}

// TestQueue_BorrowsUntilTheOwnerComes: a workspace uses what another of its cohort leaves idle, and loses it when that one needs it.
func TestQueue_BorrowsUntilTheOwnerComes(t *testing.T) {
	t.Parallel()
	const borrower, owner = "borrower", "owner"
	cohort := func(q *v1alpha1.TierQueue) {
		q.Cohort, q.Preemption.ReclaimWithinCohort = "lenders", "Any"
	}
	queued(t, borrower, "4", cohort)
	queued(t, owner, "4", cohort)
	borrowed := []*corev1.Pod{
		start(t, borrower, development, "one"), start(t, borrower, staging, "two"),
		start(t, borrower, production, "three"), start(t, borrower, production, "four"),
	}
	awaitRunning(t, borrowed...)
	awaitPending(t, start(t, borrower, development, "too-much"))

	awaitRunning(t, start(t, owner, production, "back"))
	awaitLeft(t, 3, borrowed...)
	awaitRunning(t, start(t, owner, development, "all-back"))
	awaitLeft(t, 2, borrowed...)
	awaitPending(t, start(t, owner, staging, "too-much"))
}

// awaitLeft waits until Kueue has preempted all but n of the pods, which it deletes.
func awaitLeft(t *testing.T, n int, pods ...*corev1.Pod) {
	t.Helper()
	harness.Eventually(t, fmt.Sprintf("%d of %d pods to be left", n, len(pods)), func(ctx context.Context) bool {
		left := 0
		for _, pod := range pods {
			var live corev1.Pod
			if shared.Env().Admin.Get(ctx, client.ObjectKeyFromObject(pod), &live) == nil && live.Status.Phase == corev1.PodRunning {
				left++
			}
		}
		return left == n
	})
}

// TestQueue_AdmitsJobs: a Job of two pods of 2 cores waits as a whole while 2 of 4 cores are in use.
func TestQueue_AdmitsJobs(t *testing.T) {
	t.Parallel()
	const id = "jobs"
	queued(t, id, "4", noCohort)
	running := start(t, id, production, "running")
	awaitRunning(t, running)
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: "flyte-jobs-staging", Name: "pair", Labels: map[string]string{queueLabel: defaultQueue}},
		Spec:       batchv1.JobSpec{Parallelism: new(int32(2)), Completions: new(int32(2))},
	}
	job.Spec.Template.Spec = task(id, staging, "pair").Spec
	harness.Must(t, shared.Env().Admin.Create(t.Context(), job))
	awaitPendingOwner(t, job, "Job")
	finish(t, running)
	harness.Eventually(t, "the Job to complete", func(ctx context.Context) bool {
		err := shared.Env().Admin.Get(ctx, client.ObjectKeyFromObject(job), job)
		return err == nil && job.Status.Succeeded == 2
	})
}
