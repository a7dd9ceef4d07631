// Package clustertest provides a control plane that the tests of one package share, with the chart's CRDs, and accounts with the chart's
// permissions.
package clustertest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
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
	// Prepare creates what the tests need besides the CRDs.
	Prepare func(t testing.TB, admin client.Client, cfg *rest.Config)

	once    sync.Once
	cluster *devcluster.Cluster
	admin   client.Client
}

// Main is a TestMain: it runs the tests, stops the control plane and exits. With -count each run has a control plane of its own, so that
// tests may use fixed names. It fails if a goroutine is left.
func (s *Shared) Main(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(Runs(func() int { return s.run(m) })) //nolint:revive // the end of TestMain
}

func (s *Shared) run(m *testing.M) int {
	code := m.Run()
	if s.cluster != nil {
		s.cluster.Stop()
	}
	s.once, s.cluster, s.admin = sync.Once{}, nil, nil
	if err := findLeaks(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

// Runs calls run as often as -count says, each time for one run of the tests, and returns the worst exit code.
func Runs(run func() int) (code int) {
	flag.Parse() //nolint:revive // for TestMain, before m.Run
	count := flag.Lookup("test.count").Value
	n, err := strconv.Atoi(count.String())
	if err != nil || count.Set("1") != nil {
		panic("-test.count is not a number") // package testing has parsed it
	}
	for range n {
		code = max(code, run())
	}
	return code
}

// findLeaks returns an error if a goroutine is left. goleak retries for half a second, but the connections to the control plane may take
// longer to end.
func findLeaks() (err error) {
	for range 10 {
		if err = goleak.Find(); err == nil {
			return nil
		}
	}
	return err
}

// Cluster returns the control plane. The first call starts it.
func (s *Shared) Cluster(t testing.TB) *devcluster.Cluster {
	t.Helper()
	s.once.Do(func() { s.start(t) })
	if s.cluster == nil {
		t.Fatal("the shared control plane did not start")
	}
	return s.cluster
}

// Admin returns a client with all rights, which the tests share: its discovery happens once.
func (s *Shared) Admin(t testing.TB) client.Client {
	t.Helper()
	s.Cluster(t)
	return s.admin
}

func (s *Shared) start(t testing.TB) {
	t.Helper()
	cluster, err := devcluster.Start(context.Background(), devcluster.Options{Progress: t.Output()})
	Must(t, err)
	defer func() {
		if s.cluster == nil {
			cluster.Stop()
		}
	}()
	crds := envtest.CRDInstallOptions{Paths: []string{chartFile(t, "crds")}, ErrorIfPathMissing: true, MaxTime: crdTimeout}
	_, err = envtest.InstallCRDs(cluster.Config(), crds)
	Must(t, err)
	s.admin = Client(t, cluster.Config())
	s.Prepare(t, s.admin, cluster.Config())
	s.cluster = cluster
}

var newScheme = sync.OnceValues(func() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	return scheme, errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme))
})

// Client returns an uncached client for all kinds that the service uses.
func Client(t testing.TB, cfg *rest.Config) client.Client {
	t.Helper()
	scheme, err := newScheme()
	Must(t, err)
	c, err := client.New(cfg, client.Options{Scheme: scheme})
	Must(t, err)
	return c
}

// chartFile returns the path of a file in the chart.
func chartFile(t testing.TB, name string) string {
	t.Helper()
	root, err := binaries.Root()
	Must(t, err)
	return filepath.Join(root, "charts", "workspace-flyte-integration", filepath.FromSlash(name))
}
