package node

import (
	"context"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// taskPod is what Flyte's propeller makes of a container task: no security context, and the resources that the task names.
func taskPod(id, name string, resources corev1.ResourceRequirements) *corev1.Pod {
	pod := agentPod("flyte-"+id, name)
	pod.Spec.ServiceAccountName = "flyte-workload"
	pod.Spec.Containers[0].Resources = resources
	return pod
}

func sizes(cpu, memory string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
}

// awaitQuota waits until the quota has a status: until then Kubernetes admits all pods.
func awaitQuota(t *testing.T, id string) {
	t.Helper()
	harness.Eventually(t, "the quota of "+id+" to have a status", func(ctx context.Context) bool {
		quota, err := quotaOf(ctx, id)
		return err == nil && equality.Semantic.DeepEqual(quota.Spec.Hard, quota.Status.Hard)
	})
}

func quotaOf(ctx context.Context, id string) (*corev1.ResourceQuota, error) {
	var quota corev1.ResourceQuota
	err := env.admin.Get(ctx, client.ObjectKey{Namespace: "flyte-" + id, Name: "workspace-quota"}, &quota)
	return &quota, err
}

// awaitUsed waits until the quota counts this much.
func awaitUsed(t *testing.T, id string, want map[corev1.ResourceName]string) {
	t.Helper()
	var quota *corev1.ResourceQuota
	err := harness.Poll(t.Context(), func(ctx context.Context) bool {
		var err error
		if quota, err = quotaOf(ctx, id); err != nil {
			return false
		}
		for name, amount := range want {
			if used := quota.Status.Used[name]; used.Cmp(resource.MustParse(amount)) != 0 {
				return false
			}
		}
		return true
	})
	if err != nil {
		t.Errorf("the quota of %s counts %v, want %v", id, quota.Status.Used, want)
	}
}

// podsOfTheChartsTiers starts pods as propeller makes them on each tier of the chart. One without resources gets the tier's limits,
// which its cgroup and the quota have; one with explicit zeros, which would escape both, is refused.
func podsOfTheChartsTiers(t *testing.T) {
	t.Parallel()
	for _, tier := range []string{"small", "standard", "large"} {
		t.Run(tier, func(t *testing.T) {
			t.Parallel()
			id := "tier-" + tier
			createWorkspace(t, id, tier)
			awaitQuota(t, id)
			create(t, taskPod(id, "bare", corev1.ResourceRequirements{}))
			pod := running(t, "flyte-"+id, "bare")
			for _, c := range []struct{ controller, file, want string }{
				{"memory", "memory.limit_in_bytes", "2147483648"}, // 2Gi
				{"cpu", "cpu.cfs_quota_us", "100000"},             // 1 core
				{"cpu", "cpu.shares", "256"},                      // 250m
			} {
				if got := readCgroup(t, pod, c.controller, "main", c.file); got != c.want {
					t.Errorf("%s of its cgroup is %s, want %s", c.file, got, c.want)
				}
			}
			awaitUsed(t, id, map[corev1.ResourceName]string{
				"requests.cpu": "250m", "limits.cpu": "1", "requests.memory": "512Mi", "limits.memory": "2Gi",
				"requests.ephemeral-storage": "1Gi", "limits.ephemeral-storage": "20Gi", "pods": "1",
			})
			zeros := taskPod(id, "zeros", corev1.ResourceRequirements{Requests: sizes("0", "0"), Limits: sizes("0", "0")})
			err := env.admin.Create(t.Context(), zeros)
			if err == nil || !strings.Contains(err.Error(), "minimum memory usage per Container is 16Mi") {
				t.Errorf("a pod with explicit zeros: %v", err)
			}
		})
	}
}

// awaitPhase waits until a pod has ended like this.
func awaitPhase(t *testing.T, pod *corev1.Pod, phase corev1.PodPhase, reason string) {
	t.Helper()
	err := harness.Poll(t.Context(), func(ctx context.Context) bool {
		harness.Must(t, env.admin.Get(ctx, client.ObjectKeyFromObject(pod), pod))
		return pod.Status.Phase == phase && pod.Status.Reason == reason
	})
	if err != nil {
		t.Fatalf("waiting for %s/%s to be %s %s: %v; its status is %+v", pod.Namespace, pod.Name, phase, reason, err, pod.Status)
	}
}

// podThatFillsTheDiskIsEvicted shows that a limit of ephemeral storage is enforced.
func podThatFillsTheDiskIsEvicted(t *testing.T) {
	t.Parallel()
	const id = "disk"
	createWorkspace(t, id, "small")
	limits := sizes("100m", "64Mi")
	limits[corev1.ResourceEphemeralStorage] = resource.MustParse("16Mi")
	pod := taskPod(id, "writer", corev1.ResourceRequirements{Requests: limits, Limits: limits})
	pod.Spec.Containers[0].Args = []string{"fill", "/tmp/data", "32"}
	pod.Spec.Containers[0].ReadinessProbe = nil
	create(t, pod)
	awaitPhase(t, pod, corev1.PodFailed, "Evicted")
}

// podAboveItsMemoryLimitIsKilled shows that the limit is the kernel's: a task that takes more than it asked for ends.
func podAboveItsMemoryLimitIsKilled(t *testing.T) {
	t.Parallel()
	const id = "memory"
	createWorkspace(t, id, "small")
	pod := taskPod(id, "greedy", corev1.ResourceRequirements{Requests: sizes("10m", "64Mi"), Limits: sizes("100m", "64Mi")})
	pod.Spec.Containers[0].Args = []string{"eat", "256"}
	create(t, pod)
	harness.Eventually(t, "the task to be killed", func(ctx context.Context) bool {
		harness.Must(t, env.admin.Get(ctx, client.ObjectKeyFromObject(pod), pod))
		s := pod.Status.ContainerStatuses
		return len(s) == 1 && s[0].State.Terminated != nil && s[0].State.Terminated.Reason == "OOMKilled"
	})
}

// suspension suspends a workspace with a running task: that one finishes, a new one is refused with a message that says why.
func suspension(t *testing.T) {
	t.Parallel()
	const id = "pausing"
	createWorkspace(t, id, "small")
	awaitQuota(t, id)
	small := corev1.ResourceRequirements{Requests: sizes("10m", "64Mi"), Limits: sizes("10m", "64Mi")}
	create(t, taskPod(id, "running", small))
	task := running(t, "flyte-"+id, "running")
	setState(t, suspended, id, 2)
	awaitReason(t, id, "Suspended")
	harness.Eventually(t, "new tasks to be refused because of the quota", func(ctx context.Context) bool {
		err := env.admin.Create(ctx, taskPod(id, "late", small), client.DryRunAll)
		return err != nil && strings.Contains(err.Error(), "exceeded quota: workspace-quota") && strings.Contains(err.Error(), "limited: ") &&
			strings.Contains(err.Error(), "pods=0")
	})
	if now := running(t, "flyte-"+id, "running"); now.UID != task.UID {
		t.Fatal("the running task was replaced")
	}
	finish(t, task)
	awaitPhase(t, task, corev1.PodSucceeded, "")
	setState(t, resumed, id, 3)
	awaitReason(t, id, "Ready")
	harness.Eventually(t, "a task to start after the resumption", func(ctx context.Context) bool {
		return env.admin.Create(ctx, taskPod(id, "late", small)) == nil
	})
	running(t, "flyte-"+id, "late")
}

// finish makes the program in the pod end well, as a task does.
func finish(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address(pod, ipv4, agentPort)+"/exit", http.NoBody)
	harness.Must(t, err)
	if response, err := env.http.Do(request); err == nil { // it may end before it answers
		response.Body.Close()
	}
}
