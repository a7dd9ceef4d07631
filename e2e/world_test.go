package e2e

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// ownWorld gives a story a cluster and a service of its own, since it would touch the workspaces of the others.
func ownWorld(t *testing.T, values map[string]any) {
	t.Helper()
	shared := world
	t.Cleanup(func() { world = shared })
	var err error
	if world.flyte, err = flytetest.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(world.flyte.Stop)
	world.cluster, err = devcluster.Start(t.Context(), devcluster.Options{Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(world.cluster.Stop)
	if world.admin, err = adminClient(world.cluster); err != nil {
		t.Fatal(err)
	}
	world.service = install(t, values, nil)
	if err := world.service.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	stopped := world.service
	t.Cleanup(stopped.Stop)
}

// install prepares a service for this world's cluster.
func install(t *testing.T, values map[string]any, env map[string]string) *service.Service {
	t.Helper()
	s, err := service.Install(t.Context(), service.Options{
		Cluster: world.cluster, Binary: world.binary, Flyte: world.flyte.Addr(), Dir: t.TempDir(), Values: values, Env: env,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// killed ends the service as SIGKILL does, does something, and starts it again.
func killed(t *testing.T, meanwhile func()) {
	t.Helper()
	world.service.Kill()
	meanwhile()
	if err := world.service.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// letTimePass ends the countdown of deleted workspaces: it moves what the status says to the past.
func letTimePass(t *testing.T, by time.Duration, ids ...string) {
	t.Helper()
	for _, id := range ids {
		w := live(t, &v1alpha1.Workspace{}, "", id)
		before := w.DeepCopy()
		d := w.Status.Deletion
		if d == nil || d.PurgeAt == nil {
			t.Fatalf("%s has no countdown: %+v", id, w.Status)
		}
		d.RequestedAt = metav1.NewTime(d.RequestedAt.Add(-by))
		d.PurgeAt = &metav1.Time{Time: d.PurgeAt.Add(-by)}
		if err := world.admin.Status().Patch(t.Context(), w, client.MergeFrom(before)); err != nil {
			t.Fatal(err)
		}
	}
}

// kubeconfig is a file by which kubectl and integrationctl reach this world's cluster as its admin.
func kubeconfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := world.cluster.WriteKubeconfig(path, world.cluster.Config()); err != nil {
		t.Fatal(err)
	}
	return path
}

// inTheMiddle waits until some, but perhaps not all, of a number of things have happened.
func inTheMiddle(t *testing.T, what string, count func(context.Context) int) {
	t.Helper()
	eventually(t, what, func(ctx context.Context) bool { return count(ctx) > 0 })
}
