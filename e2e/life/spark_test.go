package life

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// executorPod is an executor as Spark's driver makes it (BasicExecutorFeatureStep of Spark 3.5): the request is spark.executor.cores,
// there is a limit of CPU only with spark.kubernetes.executor.limit.cores, and memory has both.
func executorPod(id, name, limitCores string) *corev1.Pod {
	memory := resource.MustParse("1408Mi") // 1g, and the overhead
	resources := corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: memory},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: memory},
	}
	if limitCores != "" {
		resources.Limits[corev1.ResourceCPU] = resource.MustParse(limitCores)
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "flyte-" + id, Name: name, Labels: map[string]string{
			"spark-role": "executor", "spark-exec-id": "1", "spark-app-selector": "spark-1", "spark-exec-resourceprofile-id": "0",
		}},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, ServiceAccountName: "flyte-workload", Hostname: name,
			Containers: []corev1.Container{{
				Name: "spark-kubernetes-executor", Image: "company.com/spark:v1", Args: []string{"executor"}, Resources: resources,
				Ports: []corev1.ContainerPort{{Name: "blockmanager", ContainerPort: 7079}},
			}},
			Volumes: []corev1.Volume{{Name: "spark-local-dir-1", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
		},
	}
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
