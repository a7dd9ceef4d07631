package helm

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/devcluster"
)

func get[T client.Object](t *testing.T, s *suite, o T, name string) T {
	t.Helper()
	if err := s.admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, o); err != nil {
		t.Fatal(err)
	}
	return o
}

// environment is the environment of a container as the kubelet sets it: ConfigMaps and variables. Secrets that the container mounts
// are files on this machine.
func (s *suite) environment(t *testing.T, pod *corev1.PodSpec) map[string]string {
	t.Helper()
	container, env := pod.Containers[0], map[string]string{}
	for _, from := range container.EnvFrom {
		maps.Copy(env, get(t, s, &corev1.ConfigMap{}, from.ConfigMapRef.Name).Data)
	}
	for _, variable := range container.Env {
		env[variable.Name] = variable.Value
	}
	env["POD_NAME"], env["POD_NAMESPACE"] = release+"-0", namespace
	for _, volume := range pod.Volumes {
		for _, item := range volume.Secret.Items {
			file := filepath.Join(t.TempDir(), item.Path)
			if err := os.WriteFile(file, get(t, s, &corev1.Secret{}, volume.Secret.SecretName).Data[item.Key], 0o600); err != nil {
				t.Fatal(err)
			}
			for name, value := range env {
				env[name] = strings.ReplaceAll(value, mountPath(&container, volume.Name)+"/"+item.Path, file)
			}
		}
	}
	return env
}

func mountPath(container *corev1.Container, volume string) string {
	i := slices.IndexFunc(container.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volume })
	return container.VolumeMounts[i].MountPath
}

// runService runs the service as a pod of the Deployment would: its environment, its account. It returns where it serves.
func (s *suite) runService(t *testing.T) (url string) {
	t.Helper()
	pod := get(t, s, &appsv1.Deployment{}, release).Spec.Template.Spec
	env := s.environment(t, &pod)
	addresses, err := devcluster.FreeAddresses(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := devcluster.WriteKubeconfig(kubeconfig, s.account(t, pod.ServiceAccountName)); err != nil {
		t.Fatal(err)
	}
	// A machine without pods and DNS needs other addresses.
	env["KUBECONFIG"], env["FLYTE_ADMIN_ENDPOINT"] = kubeconfig, s.flyte.Addr()
	env["LISTEN_ADDRESS"], env["METRICS_ADDRESS"] = addresses[0], addresses[1]
	program, err := devcluster.StartProgram(t.TempDir(), list(env), s.integration)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Stop(stopGrace) })
	return "http://" + addresses[0]
}

func list(env map[string]string) (all []string) {
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	return all
}

// account acts as a ServiceAccount, by a token of its own.
func (s *suite) account(t *testing.T, name string) *rest.Config {
	t.Helper()
	request := &authenticationv1.TokenRequest{}
	if err := s.admin.SubResource("token").Create(t.Context(), get(t, s, &corev1.ServiceAccount{}, name), request); err != nil {
		t.Fatal(err)
	}
	cfg := rest.AnonymousClientConfig(s.cluster.Config())
	cfg.BearerToken = request.Status.Token
	return cfg
}

// testPod is the pod of the hook that `helm test` runs, as the release has it.
func (s *suite) testPod(t *testing.T) *corev1.PodSpec {
	t.Helper()
	for text := range strings.SplitSeq(s.mustHelm(t, "get", "hooks", release), "\n---\n") {
		var job batchv1.Job
		if err := yaml.Unmarshal([]byte(text), &job); err == nil && job.Kind == "Job" && job.Name == release+"-test" {
			return &job.Spec.Template.Spec
		}
	}
	t.Fatal("the release has no Job to test it among its hooks")
	return nil
}
