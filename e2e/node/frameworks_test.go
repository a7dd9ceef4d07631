package node

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/e2e/flytepods"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// frameworkPods starts the pods of tasks that have more than one container or pod: the quota counts all of them, and each container has
// its limit, the LimitRange's where it names none.
func frameworkPods(t *testing.T) {
	t.Parallel()
	t.Run("a raw container task", rawContainerTask)
	t.Run("Spark", sparkJob)
	t.Run("Ray", rayCluster)
	t.Run("a GPU", func(t *testing.T) {
		const id = "gpu"
		newWorkspace(t, id)
		gpu := corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}
		pod := taskPod(id, "gpu", corev1.ResourceRequirements{Requests: gpu, Limits: gpu})
		if err := env.admin.Create(t.Context(), pod); err == nil || !strings.Contains(err.Error(), "limited: requests.nvidia.com/gpu=0") {
			t.Errorf("a GPU on the tier small: %v", err)
		}
	})
}

// rawContainerTask starts a task whose inputs come by an init container and whose outputs go by a sidecar. The pod ends with the task.
func rawContainerTask(t *testing.T) {
	t.Parallel()
	const id = "copilot"
	newWorkspace(t, id)
	pod := startFramework(t, id, "fit", flytepods.Copilot)
	awaitUsed(t, id, map[corev1.ResourceName]string{
		"requests.cpu": "100m", "limits.cpu": "2500m", "requests.memory": "328Mi", "limits.memory": "328Mi", "pods": "1",
	})
	wantMemory(t, pod, map[string]string{"fit": "200Mi", "flyte-copilot-uploader": "128Mi"})
	finish(t, pod)
	awaitPhase(t, pod, corev1.PodSucceeded, "")
}

func sparkJob(t *testing.T) {
	t.Parallel()
	const id = "spark-job"
	newWorkspace(t, id)
	driver := startFramework(t, id, "driver", flytepods.SparkDriver)
	executor := startFramework(t, id, "executor", flytepods.SparkExecutor)
	awaitUsed(t, id, map[corev1.ResourceName]string{
		"requests.cpu": "100m", "limits.cpu": "2", "requests.memory": "2816Mi", "limits.memory": "2816Mi", "pods": "2",
	})
	for container, pod := range map[string]*corev1.Pod{"spark-kubernetes-driver": driver, "spark-kubernetes-executor": executor} {
		wantMemory(t, pod, map[string]string{container: "1408Mi"})
		if got := readCgroup(t, pod, "cpu", container, "cpu.cfs_quota_us"); got != "100000" { // Spark names no limit
			t.Errorf("%s has %s µs of CPU each 100 ms, want the LimitRange's 100000", container, got)
		}
	}
}

func rayCluster(t *testing.T) {
	t.Parallel()
	const id = "ray-cluster"
	newWorkspace(t, id)
	head := startFramework(t, id, "head", flytepods.RayHead)
	worker := startFramework(t, id, "worker", flytepods.RayWorker)
	awaitUsed(t, id, map[corev1.ResourceName]string{
		"requests.cpu": "150m", "limits.cpu": "4500m", "requests.memory": "912Mi", "limits.memory": "912Mi", "pods": "2",
	})
	wantMemory(t, head, map[string]string{"ray-head": "200Mi", "autoscaler": "512Mi"})
	wantMemory(t, worker, map[string]string{"ray-worker": "200Mi"})
}

// newWorkspace creates a workspace on the tier small, whose quota counts from now on.
func newWorkspace(t *testing.T, id string) {
	t.Helper()
	createWorkspace(t, id, "small")
	awaitQuota(t, id)
}

// startFramework starts a pod as a framework builds it.
func startFramework(t *testing.T, id, name string, build func(*corev1.Pod)) *corev1.Pod {
	t.Helper()
	pod := flytepods.Task(id, name)
	build(pod)
	for _, volume := range pod.Spec.Volumes {
		if volume.ConfigMap != nil {
			create(t, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: volume.ConfigMap.Name}})
		}
	}
	runTool(pod)
	create(t, pod)
	return running(t, pod.Namespace, name)
}

// runTool lets the containers of the pod run the tests' own program, and ask for little CPU. The owners, which don't exist, are removed,
// since Kubernetes would collect the pod.
func runTool(pod *corev1.Pod) {
	pod.OwnerReferences = nil
	pod.Spec.TerminationGracePeriodSeconds = new(int64(0))
	for i := range pod.Spec.InitContainers {
		if c := &pod.Spec.InitContainers[i]; c.RestartPolicy != nil {
			asTool(c, "agent", "8090")
		} else {
			asTool(c, "end")
		}
	}
	for i := range pod.Spec.Containers {
		port := agentPort
		if i > 0 {
			port = "8091"
		}
		asTool(&pod.Spec.Containers[i], "agent", port)
	}
	pod.Spec.Containers[0].ReadinessProbe = agentProbe()
}

func asTool(c *corev1.Container, args ...string) {
	c.Image, c.ImagePullPolicy, c.Command, c.Args, c.WorkingDir = harness.ToolImage, corev1.PullNever, nil, args, ""
	if requests := c.Resources.Requests; requests != nil {
		c.Resources.Requests = requests.DeepCopy() // a builder may give the same map to many
		c.Resources.Requests[corev1.ResourceCPU] = resource.MustParse("50m")
	}
}

// wantMemory checks the memory limits of the cgroups of a pod's containers.
func wantMemory(t *testing.T, pod *corev1.Pod, limits map[string]string) {
	t.Helper()
	for container, limit := range limits {
		quantity := resource.MustParse(limit)
		if got, want := readCgroup(t, pod, "memory", container, "memory.limit_in_bytes"), quantity.AsDec().String(); got != want {
			t.Errorf("the memory limit of %s is %s, want %s", container, got, want)
		}
	}
}
