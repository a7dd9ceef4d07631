// Package clustertest gives the tests of one package a control plane that they share, with the chart's CRDs, and accounts
// under the rights that the chart gives.
package clustertest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"go.uber.org/goleak"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
)

const crdTimeout = 30 * time.Second

// Shared is one control plane for the tests of a package.
type Shared struct {
	// Prepare makes what the tests need beside the CRDs.
	Prepare func(t testing.TB, cluster *devcluster.Cluster)

	once    sync.Once
	cluster *devcluster.Cluster
}

// Main runs the tests, stops the control plane and ends the process, as a TestMain has to. It fails when a goroutine
// outlives both.
func (s *Shared) Main(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	code := m.Run()
	if s.cluster != nil {
		s.cluster.Stop()
	}
	if err := leaked(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code) //nolint:revive // it is the end of TestMain
}

// leaked tells of goroutines that stay. Those of connections to the control plane end a moment after it, and each look of
// goleak is half a second long.
func leaked() (err error) {
	for range 10 {
		if err = goleak.Find(); err == nil {
			return nil
		}
	}
	return err
}

// Cluster is the control plane, started with the first test that needs it.
func (s *Shared) Cluster(t testing.TB) *devcluster.Cluster {
	t.Helper()
	s.once.Do(func() { s.start(t) })
	if s.cluster == nil {
		t.Fatal("the shared control plane did not start")
	}
	return s.cluster
}

func (s *Shared) start(t testing.TB) {
	t.Helper()
	cluster, err := devcluster.Start(context.Background(), devcluster.Options{Progress: t.Output()})
	must(t, err)
	defer func() {
		if s.cluster == nil {
			cluster.Stop()
		}
	}()
	crds := envtest.CRDInstallOptions{Paths: []string{chartFile(t, "crds")}, ErrorIfPathMissing: true, MaxTime: crdTimeout}
	_, err = envtest.InstallCRDs(cluster.Config(), crds)
	must(t, err)
	s.Prepare(t, cluster)
	s.cluster = cluster
}

// Client is the way of whom cfg says to everything that the service deals with, past all caches.
func Client(t testing.TB, cfg *rest.Config) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	must(t, clientgoscheme.AddToScheme(scheme))
	must(t, v1alpha1.AddToScheme(scheme))
	c, err := client.New(cfg, client.Options{Scheme: scheme})
	must(t, err)
	return c
}

// chartFile is a path below the chart's files.
func chartFile(t testing.TB, name string) string {
	t.Helper()
	root, err := binaries.Root()
	must(t, err)
	return filepath.Join(root, "charts", "workspace-flyte-integration", "files", name)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
