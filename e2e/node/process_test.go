package node

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// cgroups is where the hierarchies are mounted.
const cgroups = "/sys/fs/cgroup"

// cgroupOf is the directory of a container's cgroup in the hierarchy of a controller.
func cgroupOf(t *testing.T, pod *corev1.Pod, controller, container string) string {
	t.Helper()
	id := ""
	for _, s := range slices.Concat(pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses) {
		if s.Name == container {
			id = strings.TrimPrefix(s.ContainerID, "containerd://")
		}
	}
	root := filepath.Join(cgroups, controller, env.cluster.Cgroup(), "kubepods")
	for _, class := range []string{"", "burstable", "besteffort"} {
		dir := filepath.Join(root, class, "pod"+string(pod.UID), id)
		if _, err := os.Stat(dir); err == nil && id != "" {
			return dir
		}
	}
	t.Fatalf("%s/%s: no cgroup of the container %q (%s) below %s", pod.Namespace, pod.Name, container, id, root)
	return ""
}

// readCgroup reads a file of a container's cgroup.
func readCgroup(t *testing.T, pod *corev1.Pod, controller, container, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(cgroupOf(t, pod, controller, container), file))
	harness.Must(t, err)
	return strings.TrimSpace(string(text))
}

// programOf returns status and mounts of the first process of the pod's only container, as /proc shows them.
func programOf(t *testing.T, pod *corev1.Pod) (status, mounts string) {
	t.Helper()
	pid, _, _ := strings.Cut(readCgroup(t, pod, "memory", pod.Spec.Containers[0].Name, "cgroup.procs"), "\n")
	text, err := os.ReadFile(fmt.Sprintf("/proc/%s/status", pid))
	harness.Must(t, err)
	mounted, err := os.ReadFile(fmt.Sprintf("/proc/%s/mounts", pid))
	harness.Must(t, err)
	return string(text), string(mounted)
}
