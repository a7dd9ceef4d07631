// Package harness runs the real binary of the service for end-to-end tests: on a real control plane, under the account and with the
// environment of the chart, with the double of Flyte behind real gRPC.
package harness

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/kueue"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

const (
	// Release is the name of the chart's release, and of its roles and lease.
	Release = "workspace-flyte-integration"
	// FirstPod is the pod of the service.
	FirstPod = Release + "-0"
	// PullSecrets is the namespace from which the service copies pull secrets.
	PullSecrets = "pull-secrets"
)

// Options say how an environment differs from the usual one.
type Options struct {
	// Values override the chart's, and Env the environment that it gives the service.
	Values map[string]any
	Env    map[string]string
	// Nodes is how many nodes kwok simulates: without any, pods stay pending.
	Nodes int
}

// Env is a control plane with the chart installed, the double of Flyte, and the service, which runs beside them. Tests share it: each
// uses workspace ids of its own and leaves the service running.
type Env struct {
	Cluster *devcluster.Cluster
	Flyte   *flytetest.Server
	Service *service.Service
	// Admin is a client of the cluster's administrator.
	Admin client.WithWatch
	// Kueue is nil until [Env.StartKueue].
	Kueue *kueue.Kueue
	// Integration and Integrationctl are the paths of the binaries.
	Integration, Integrationctl string

	dir      string
	requests requestLog
}

// start starts everything. What was started before an error ends with stop.
func start(ctx context.Context, o Options) (e *Env, err error) {
	e = &Env{}
	if e.dir, err = os.MkdirTemp("", "e2e"); err != nil {
		return e, err
	}
	if e.Integration, e.Integrationctl, err = Build(ctx, e.dir); err != nil {
		return e, err
	}
	if e.Flyte, err = flytetest.Start(); err != nil { //nolint:contextcheck // it runs until stop
		return e, err
	}
	e.Cluster, err = devcluster.Start(ctx, devcluster.Options{Progress: os.Stderr, AuditLog: true, Nodes: o.Nodes})
	if err != nil {
		return e, err
	}
	scheme, err := k8s.NewScheme()
	if err != nil {
		return e, err
	}
	if e.Admin, err = client.NewWithWatch(e.Cluster.Config(), client.Options{Scheme: scheme}); err != nil {
		return e, err
	}
	err = e.startService(ctx, o)
	return e, err
}

func (e *Env) startService(ctx context.Context, o Options) (err error) {
	if err := e.Admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: PullSecrets}}); err != nil {
		return err
	}
	values := map[string]any{"pullSecrets": map[string]any{"namespace": PullSecrets}}
	maps.Copy(values, o.Values)
	e.Service, err = service.Install(ctx, service.Options{
		Admin: e.Cluster.Config(), Binary: e.Integration, Flyte: e.Flyte.Addr(), Dir: e.dir, Values: values, Env: o.Env,
	})
	if err != nil {
		return err
	}
	// The very first write takes a new API server longer than the service lets a sender wait.
	if err := e.Admin.Create(ctx, workspace.New("first")); err != nil {
		return err
	}
	return e.Service.Start(ctx)
}

func (e *Env) stop() {
	if e.Service != nil {
		e.Service.Stop()
	}
	if e.Kueue != nil {
		e.Kueue.Stop()
	}
	if e.Cluster != nil {
		e.Cluster.Stop()
	}
	if e.Flyte != nil {
		e.Flyte.Stop()
	}
	_ = os.RemoveAll(e.dir)
}

// Kill ends the service as SIGKILL does, calls meanwhile, and starts the service again.
func (e *Env) Kill(t testing.TB, meanwhile func()) {
	t.Helper()
	e.Service.Kill()
	meanwhile()
	if err := e.Service.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Restart starts the service again with these variables; an empty value unsets one.
func (e *Env) Restart(ctx context.Context, t testing.TB, env map[string]string) {
	t.Helper()
	e.Service.Stop()
	e.Service.Configure(env)
	if err := e.Service.Start(ctx); err != nil {
		t.Fatal(err)
	}
}

// Alive ends the test if a service has ended.
func Alive(t testing.TB, s *service.Service) {
	t.Helper()
	select {
	case <-s.Exited():
		t.Fatal(s.Failure())
	default:
	}
}

// Kubeconfig is a file by which kubectl and integrationctl reach the cluster as its administrator.
func (e *Env) Kubeconfig(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := devcluster.WriteKubeconfig(path, e.Cluster.Config()); err != nil {
		t.Fatal(err)
	}
	return path
}

// Leader is the pod that holds the lease, or "".
func (e *Env) Leader(ctx context.Context) string {
	var lease coordinationv1.Lease
	err := e.Admin.Get(ctx, client.ObjectKey{Namespace: service.Namespace, Name: Release}, &lease)
	if err != nil || lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// ShortLease are times of a lease for tests that wait until it expires or is lost.
func ShortLease() map[string]string {
	return map[string]string{"LEASE_DURATION": "3s", "LEASE_RENEW_DEADLINE": "2s", "LEASE_RETRY_PERIOD": "200ms"}
}

// Takeover is how soon another replica leads with a [ShortLease] when the leader was killed: when the lease has expired, two retries
// later, and a few seconds for a busy machine.
const Takeover = 10 * time.Second
