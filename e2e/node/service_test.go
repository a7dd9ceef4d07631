package node

import (
	"context"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// servicePods are the pods of the service that are not ending.
func servicePods(ctx context.Context) ([]corev1.Pod, error) {
	var pods corev1.PodList
	err := env.admin.List(ctx, &pods, client.InNamespace(namespace), client.MatchingLabels{"app.kubernetes.io/name": release})
	return slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil }), err
}

// rolledOut waits until all replicas are ready, of the newest template, and no older pod is left.
func rolledOut(t *testing.T) {
	t.Helper()
	harness.Eventually(t, "3 of 3 replicas", func(ctx context.Context) bool {
		var d appsv1.Deployment
		err := env.admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: release}, &d)
		s := d.Status
		return err == nil && s.ObservedGeneration == d.Generation && s.Replicas == 3 && s.ReadyReplicas == 3 && s.UpdatedReplicas == 3
	})
}

// installed checks the chart with real pods: they are ready, confined, and pass `helm test`.
func installed(t *testing.T) {
	t.Parallel()
	rolledOut(t)
	pods, err := servicePods(t.Context())
	harness.Must(t, err)
	if len(pods) != 3 {
		t.Fatalf("%d pods run, want 3", len(pods))
	}
	for i := range pods {
		t.Run("its program is confined", func(t *testing.T) { confined(t, &pods[i]) })
	}
	t.Run("helm test", func(t *testing.T) {
		text, err := env.helm(t.Context(), "test", release, "--timeout", "2m")
		if err != nil || !strings.Contains(text, "Succeeded") {
			t.Errorf("%v\n%s", err, text)
		}
	})
	t.Run("a workspace becomes Ready", func(t *testing.T) { createWorkspace(t, "plain", "standard") })
}

// confined checks what the kernel says of the service's program: neither root nor capabilities, no new privileges, a seccomp filter, and a
// root file system that is mounted read-only.
func confined(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	status, mounts := programOf(t, pod)
	for key, want := range map[string]string{
		"Uid": "65532\t65532\t65532\t65532", "Gid": "65532\t65532\t65532\t65532", "CapEff": "0000000000000000", "CapBnd": "0000000000000000",
		"NoNewPrivs": "1", "Seccomp": "2",
	} {
		if !strings.Contains(status, "\n"+key+":\t"+want+"\n") {
			t.Errorf("%s: its program's %s is not %q:\n%s", pod.Name, key, want, status)
		}
	}
	for line := range strings.Lines(mounts) {
		if fields := strings.Fields(line); len(fields) > 3 && fields[1] == "/" && !slices.Contains(strings.Split(fields[3], ","), "ro") {
			t.Errorf("%s: its root file system is mounted %s", pod.Name, fields[3])
		}
	}
}
