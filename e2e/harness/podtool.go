package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
)

const (
	// ToolImage is the image of the program that [BuildPodTool] builds.
	ToolImage = "company.com/podtool:v1"
	// FlyteNamespace is where [FlyteInPods] runs.
	FlyteNamespace = "flyte-system"
)

// BuildPodTool builds the program that runs in the tests' own pods.
func BuildPodTool(ctx context.Context, dir string) (string, error) {
	root, err := binaries.Root()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "podtool")
	build := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", path, "./e2e/podtool")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building podtool: %w\n%s", err, text)
	}
	return path, nil
}

// ToolPod is a pod with that program. It asks for little, so that a small machine runs many.
func ToolPod(namespace, name string, labels map[string]string, args ...string) *corev1.Pod {
	size := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("64Mi")}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, TerminationGracePeriodSeconds: new(int64(0)),
			Containers: []corev1.Container{{
				Name: "main", Image: ToolImage, ImagePullPolicy: corev1.PullNever, Args: args,
				Resources: corev1.ResourceRequirements{Requests: size, Limits: size},
			}},
		},
	}
}

// FlyteInPods are the namespace, the Service and a pod of the double of FlyteAdmin, where the chart expects Flyte.
func FlyteInPods() []client.Object {
	labels := map[string]string{"app": "flyte-admin"}
	return []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: FlyteNamespace}},
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: FlyteNamespace, Name: "flyte-admin"},
			Spec: corev1.ServiceSpec{
				Selector: labels, Ports: []corev1.ServicePort{{Name: "grpc", Port: 81, TargetPort: intstr.FromInt32(8089)}},
			},
		},
		ToolPod(FlyteNamespace, "flyte-admin", labels, "flyte"),
	}
}
