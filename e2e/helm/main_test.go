// Package helm installs, upgrades and uninstalls a release with Helm's own command line, on a real control plane whose nodes are
// simulated by kwok. The tests run the program of the Deployment's container themselves, with the environment and under the account of
// its pod.
package helm

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

const (
	namespace = "platform-services"
	release   = "workspace-flyte-integration"
	chart     = "../../charts/workspace-flyte-integration"
	// previous is the chart as it was released before.
	previous = "testdata/workspace-flyte-integration-0.1.0.tgz"
)

// suite is a control plane with Helm's command line.
type suite struct {
	dir, helmPath, helm3Path, integration, kubeconfig string
	cluster                                           *devcluster.Cluster
	flyte                                             *flytetest.Server
	admin                                             client.Client
}

// newSuite returns the suite without a control plane.
func newSuite(t *testing.T) *suite {
	t.Helper()
	s := &suite{dir: t.TempDir(), kubeconfig: os.DevNull}
	var err error
	s.helmPath, err = harness.Helm()
	harness.Must(t, err)
	s.helm3Path, err = harness.Helm3()
	harness.Must(t, err)
	return s
}

func start(t *testing.T) *suite {
	t.Helper()
	s := newSuite(t)
	var err error
	s.integration, _, err = harness.Build(t.Context(), s.dir)
	harness.Must(t, err)
	s.flyte, err = flytetest.Start()
	harness.Must(t, err)
	t.Cleanup(s.flyte.Stop)
	s.cluster, err = devcluster.Start(t.Context(), devcluster.Options{Progress: os.Stderr, Nodes: 3})
	harness.Must(t, err)
	t.Cleanup(s.cluster.Stop)
	s.kubeconfig = s.cluster.Kubeconfig()
	scheme, err := k8s.NewScheme()
	harness.Must(t, err)
	s.admin, err = client.New(s.cluster.Config(), client.Options{Scheme: scheme})
	harness.Must(t, err)
	return s
}

// helm runs Helm 4.
func (s *suite) helm(t *testing.T, args ...string) (output string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.helmPath, append(args, "--namespace", namespace)...)
	cmd.Env = s.helmEnv()
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// helmEnv has nothing of this machine's own configuration.
func (s *suite) helmEnv() []string {
	return append(os.Environ(), "KUBECONFIG="+s.kubeconfig,
		"HELM_CONFIG_HOME="+s.dir, "HELM_CACHE_HOME="+s.dir, "HELM_DATA_HOME="+s.dir)
}

func (s *suite) mustHelm(t *testing.T, args ...string) string {
	t.Helper()
	text, err := s.helm(t, args...)
	if err != nil {
		t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, text)
	}
	return text
}
