package flytepods

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Pods of Spark and Ray as Spark's own scheduler (BasicDriverFeatureStep, BasicExecutorFeatureStep, LocalDirsFeatureStep) and
// KubeRay's operator (controllers/ray/common/pod.go) make them. All keep the ServiceAccount flyte-workload.

// SparkDriver turns the pod of a task into the driver of a Spark job.
func SparkDriver(p *corev1.Pod) {
	p.Labels = map[string]string{"spark-role": "driver", "spark-app-name": "fit", "spark-app-selector": "spark-1"}
	sparkContainer(p, "spark-kubernetes-driver", "driver")
	main := &p.Spec.Containers[0]
	main.Ports = append(main.Ports,
		corev1.ContainerPort{Name: "driver-rpc-port", ContainerPort: 7078}, corev1.ContainerPort{Name: "spark-ui", ContainerPort: 4040})
	main.Env = append(main.Env, fieldEnv("SPARK_DRIVER_BIND_ADDRESS", "status.podIP"))
	mount(p, "spark-conf-volume-driver", "/opt/spark/conf", configMapVolume("spark-drv-conf-map"))
}

// SparkExecutor turns the pod of a task into an executor of a Spark job.
func SparkExecutor(p *corev1.Pod) {
	p.Labels = map[string]string{"spark-role": "executor", "spark-exec-id": "1", "spark-app-selector": "spark-1"}
	p.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "v1", Kind: "Pod", Name: "spark-driver", UID: "4a2d2c8b-0f8c-4f0e-9d0e-3f9d2f6f6a12", Controller: new(true),
	}}
	p.Spec.Hostname = "fit-exec-1"
	sparkContainer(p, "spark-kubernetes-executor", "executor")
	p.Spec.Containers[0].Env = append(p.Spec.Containers[0].Env,
		fieldEnv("SPARK_EXECUTOR_POD_IP", "status.podIP"), fieldEnv("SPARK_EXECUTOR_POD_NAME", "metadata.name"))
	mount(p, "spark-conf-volume-exec", "/opt/spark/conf", configMapVolume("spark-exec-conf-map"))
}

// sparkContainer has no CPU limit, as Spark sets none by default.
func sparkContainer(p *corev1.Pod, name, role string) {
	memory := resource.MustParse("1408Mi") // 1g and the overhead
	p.Spec.Containers = []corev1.Container{{
		Name: name, Image: "company.com/spark:v1", ImagePullPolicy: corev1.PullIfNotPresent, Args: []string{role},
		Ports: []corev1.ContainerPort{{Name: "blockmanager", ContainerPort: 7079}},
		Env:   []corev1.EnvVar{{Name: "SPARK_USER", Value: "root"}, {Name: "SPARK_CONF_DIR", Value: "/opt/spark/conf"}},
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: memory},
			Limits:   corev1.ResourceList{corev1.ResourceMemory: memory},
		},
	}}
	mount(p, "spark-local-dir-1", "/var/data/spark-1", corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}})
}

// RayHead turns the pod of a task into the head of a Ray cluster, with its autoscaler.
func RayHead(p *corev1.Pod) {
	rayPod(p, "head", "headgroup", "ray start --head --num-cpus=2 --metrics-export-port=8080")
	p.Spec.Containers[0].Ports = []corev1.ContainerPort{
		{Name: "gcs-server", ContainerPort: 6379},
		{Name: "dashboard", ContainerPort: 8265},
		{Name: "client", ContainerPort: 10001},
		{Name: "metrics", ContainerPort: 8080},
	}
	size := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m"), corev1.ResourceMemory: resource.MustParse("512Mi")}
	p.Spec.Containers = append(p.Spec.Containers, corev1.Container{
		Name: "autoscaler", Image: "company.com/ray:v2", ImagePullPolicy: corev1.PullIfNotPresent,
		Command: []string{"/bin/bash", "-c", "--"}, Args: []string{"ray kuberay-autoscaler --cluster-name $(RAY_CLUSTER_NAME)"},
		Env:       []corev1.EnvVar{fieldEnv("RAY_CLUSTER_NAME", rayCluster), fieldEnv("RAY_HEAD_POD_NAME", "metadata.name")},
		Resources: corev1.ResourceRequirements{Requests: size, Limits: size},
	})
	mount(p, "ray-logs", "/tmp/ray", corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}})
}

// RayWorker turns the pod of a task into a worker of a Ray cluster.
func RayWorker(p *corev1.Pod) {
	rayPod(p, "worker", "workers", "ray start --address=fit-head-svc:6379 --num-cpus=2")
	wait := p.Spec.Containers[0]
	wait.Name, wait.Args = "wait-gcs-ready", []string{"until ray health-check; do sleep 5; done"}
	p.Spec.InitContainers = []corev1.Container{wait}
}

const rayCluster = "metadata.labels['ray.io/cluster']"

func rayPod(p *corev1.Pod, node, group, start string) {
	p.Labels = map[string]string{
		"ray.io/cluster": "fit", "ray.io/node-type": node, "ray.io/group": group, "ray.io/is-ray-node": "yes",
		"app.kubernetes.io/created-by": "kuberay-operator",
	}
	p.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "ray.io/v1", Kind: "RayCluster", Name: "fit", UID: "4a2d2c8b-0f8c-4f0e-9d0e-3f9d2f6f6a13",
		Controller: new(true), BlockOwnerDeletion: new(true),
	}}
	main := &p.Spec.Containers[0]
	main.Name, main.Command, main.Args = "ray-"+node, []string{"/bin/bash", "-c", "--"}, []string{"ulimit -n 65536; " + start}
	main.Env = append(main.Env, fieldEnv("RAY_CLUSTER_NAME", rayCluster), corev1.EnvVar{Name: "RAY_PORT", Value: "6379"})
	size := resource.MustParse("200Mi")
	memory := &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory, SizeLimit: &size}
	mount(p, "shared-mem", "/dev/shm", corev1.VolumeSource{EmptyDir: memory})
}

func fieldEnv(name, path string) corev1.EnvVar {
	source := &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: path}}
	return corev1.EnvVar{Name: name, ValueFrom: source}
}

func configMapVolume(name string) corev1.VolumeSource {
	return corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}}
}

// mount adds a volume and mounts it into the first container.
func mount(p *corev1.Pod, name, path string, source corev1.VolumeSource) {
	p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: source})
	p.Spec.Containers[0].VolumeMounts = append(p.Spec.Containers[0].VolumeMounts, corev1.VolumeMount{Name: name, MountPath: path})
}
