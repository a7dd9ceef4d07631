// Package e2e tells whole stories: the real binary, under the account and with the environment of the chart, on a real
// control plane, with the Flyte double behind real gRPC.
package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// world is what the stories share. Each story uses workspace ids of its own, and leaves the service running.
var world struct {
	cluster *devcluster.Cluster
	flyte   *flytetest.Server
	service *service.Service
	// admin is the cluster's user.
	admin client.WithWatch
	// binary and ctl are the paths of integration and integrationctl.
	binary, ctl string
}

// pprof lets the service serve profiles on 127.0.0.1:6060, where only one process on a machine can.
var pprof = flag.Bool("pprof", false, "let the service serve profiles on 127.0.0.1:6060")

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctrl.SetLogger(logr.Discard())
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	world.binary, world.ctl = filepath.Join(dir, "integration"), filepath.Join(dir, "integrationctl")
	build := exec.CommandContext(ctx, "go", "build", "-o", dir, "../cmd/integration", "../cmd/integrationctl")
	if text, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("building the binaries: %w\n%s", err, text)
	}
	if world.flyte, err = flytetest.Start(); err != nil {
		return 0, err
	}
	defer world.flyte.Stop()
	world.cluster, err = devcluster.Start(ctx, devcluster.Options{Progress: os.Stderr, AuditLog: true})
	if err != nil {
		return 0, err
	}
	defer world.cluster.Stop()
	if world.admin, err = adminClient(world.cluster); err != nil {
		return 0, err
	}
	if err := world.admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: pullSecrets}}); err != nil {
		return 0, err
	}
	world.service, err = service.Install(ctx, service.Options{
		Cluster: world.cluster, Binary: world.binary, Flyte: world.flyte.Addr(), Dir: dir,
		Values: map[string]any{"pullSecrets": map[string]any{"namespace": pullSecrets}},
		Env:    map[string]string{"PPROF_ENABLED": strconv.FormatBool(*pprof)},
	})
	if err != nil {
		return 0, err
	}
	// The very first write takes a new API server longer than the service lets a sender wait.
	if err := world.admin.Create(ctx, workspace.New("first")); err != nil {
		return 0, err
	}
	if err := world.service.Start(ctx); err != nil {
		return 0, err
	}
	code = m.Run()
	world.service.Stop()
	problems, err := auditRights(ctx)
	if err != nil {
		return 0, err
	}
	for _, problem := range problems {
		fmt.Fprintln(os.Stderr, problem)
	}
	return max(code, min(len(problems), 1)), policiesStoodAside()
}

func adminClient(cluster *devcluster.Cluster) (client.WithWatch, error) {
	scheme, err := k8s.NewScheme()
	if err != nil {
		return nil, err
	}
	return client.NewWithWatch(cluster.Config(), client.Options{Scheme: scheme})
}

// live reads an object that must be there.
func live[T client.Object](t *testing.T, o T, namespace, name string) T {
	t.Helper()
	if err := world.admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, o); err != nil {
		t.Fatal(err)
	}
	return o
}

// makeNamespace makes a namespace as somebody else would.
func makeNamespace(t *testing.T, name string) *corev1.Namespace {
	t.Helper()
	namespace := &corev1.Namespace{}
	namespace.Name = name
	if err := world.admin.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	return namespace
}

func create(ctx context.Context, t *testing.T, o client.Object) {
	t.Helper()
	if err := world.admin.Create(ctx, o); err != nil {
		t.Error(err)
	}
}
