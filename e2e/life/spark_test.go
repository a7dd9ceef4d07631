package life

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/e2e/flytepods"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// executorPod is an executor with spark.executor.cores=2 (BasicExecutorFeatureStep of Spark 3.5). It has a limit of CPU only with
// spark.kubernetes.executor.limit.cores.
func executorPod(id, name, limitCores string) *corev1.Pod {
	pod := flytepods.Task(id, name)
	flytepods.SparkExecutor(pod)
	resources := pod.Spec.Containers[0].Resources
	resources.Requests[corev1.ResourceCPU] = resource.MustParse("2")
	if limitCores != "" {
		resources.Limits[corev1.ResourceCPU] = resource.MustParse(limitCores)
	}
	return pod
}

// TestExecutorsOfSparkNeedALimit shows why docs/tiers.md asks for a limit.
func TestExecutorsOfSparkNeedALimit(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	awaitPolicies(t)
	const id = "spark-executors"
	env.Create(t, harness.Data(id, 1))
	driver := propeller(t)
	err := driver.Create(t.Context(), executorPod(id, "unlimited", ""), client.DryRunAll)
	if err == nil || !strings.Contains(err.Error(), "must be less than or equal to cpu limit of 1") {
		t.Errorf("an executor of 2 cores without a limit: %v", err)
	}
	if err := driver.Create(t.Context(), executorPod(id, "limited", "2"), client.DryRunAll); err != nil {
		t.Errorf("with spark.kubernetes.executor.limit.cores: %v", err)
	}
}
