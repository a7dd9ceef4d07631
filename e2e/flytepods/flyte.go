// Package flytepods builds pods as Flyte and the operators that it works with do.
package flytepods

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Task is the pod of a container task as Flyte 1.16 builds it with its default configuration: labels and owner of
// flytepropeller's plugin_manager.go (addObjectMetadata), containers and environment of flyteplugins' container_helper.go
// and k8s_resource_adds.go, the rest of pod_helper.go (UpdatePod). There is no security context.
func Task(id, name string) *corev1.Pod {
	resources := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("200Mi")}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "flyte-" + id, Name: name,
			Annotations: map[string]string{"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"},
			Labels: map[string]string{
				"project": id, "domain": "development", "execution-id": name, "workflow-name": "train", "task-name": "fit",
				"node-id": "n0", "shard-key": "21", "interruptible": "false",
			},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "flyte.lyft.com/v1alpha1", Kind: "flyteworkflow", Name: name, UID: "4a2d2c8b-0f8c-4f0e-9d0e-3f9d2f6f6a11",
				Controller: new(true), BlockOwnerDeletion: new(true),
			}},
		},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, ServiceAccountName: "flyte-workload", Affinity: &corev1.Affinity{},
			Containers: []corev1.Container{{
				Name: name, Image: "company.com/train:v1", ImagePullPolicy: corev1.PullIfNotPresent,
				Args: []string{"pyflyte-execute", "--inputs", "s3://bucket/inputs.pb", "--output-prefix", "s3://bucket/out"},
				Env: []corev1.EnvVar{
					{Name: "FLYTE_INTERNAL_EXECUTION_WORKFLOW", Value: id + ":development:train"},
					{Name: "FLYTE_INTERNAL_EXECUTION_ID", Value: name},
					{Name: "FLYTE_INTERNAL_EXECUTION_PROJECT", Value: id},
					{Name: "FLYTE_INTERNAL_EXECUTION_DOMAIN", Value: "development"},
					{Name: "FLYTE_ATTEMPT_NUMBER", Value: "0"},
				},
				Resources:                corev1.ResourceRequirements{Requests: resources, Limits: resources},
				TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
			}},
		},
	}
}

// Copilot turns it into the pod of a raw container task (flyteplugins' copilot.go): inputs come by an init container, and
// outputs go by a sidecar, which is one that is started again.
func Copilot(pod *corev1.Pod) {
	size := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m"), corev1.ResourceMemory: resource.MustParse("128Mi")}
	copilot := corev1.Container{
		Image: "cr.flyte.org/flyteorg/flytecopilot:v1.16.0", WorkingDir: "/", Command: []string{"/bin/flyte-copilot"},
		Resources: corev1.ResourceRequirements{Requests: size, Limits: size}, ImagePullPolicy: corev1.PullIfNotPresent,
	}
	down, up := copilot, copilot
	down.Name, down.VolumeMounts = "flyte-copilot-downloader", []corev1.VolumeMount{{Name: "flyte-inputs", MountPath: "/var/inputs"}}
	up.Name, up.VolumeMounts = "flyte-copilot-uploader", []corev1.VolumeMount{{Name: "flyte-outputs", MountPath: "/var/outputs"}}
	up.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
	pod.Spec.InitContainers = []corev1.Container{up, down}
	for _, name := range []string{"flyte-inputs", "flyte-outputs"} {
		volume := corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}
		pod.Spec.Volumes = append(pod.Spec.Volumes, volume)
	}
	main := &pod.Spec.Containers[0]
	main.SecurityContext = &corev1.SecurityContext{Capabilities: &corev1.Capabilities{}}
	main.VolumeMounts = slices.Concat(down.VolumeMounts, up.VolumeMounts)
}
