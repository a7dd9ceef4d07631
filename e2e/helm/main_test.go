// Package helm tells the story of a release with Helm's own command line, on a real control plane whose nodes kwok plays: what
// Helm and the controllers do with the chart's objects is real, and what a container of the Deployment would run is run by hand,
// with the environment and under the account that the objects give it.
package helm

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster"
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

var world struct {
	dir, helm, integration string
	cluster                *devcluster.Cluster
	flyte                  *flytetest.Server
	admin                  client.Client
}

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	if world.helm, err = findHelm(); err != nil {
		return 0, err
	}
	if world.dir, err = os.MkdirTemp("", "helm"); err != nil {
		return 0, err
	}
	defer os.RemoveAll(world.dir)
	world.integration = filepath.Join(world.dir, "integration")
	build := exec.CommandContext(ctx, "go", "build", "-o", world.integration, "../../cmd/integration")
	if text, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("building the service: %w\n%s", err, text)
	}
	if world.flyte, err = flytetest.Start(); err != nil {
		return 0, err
	}
	defer world.flyte.Stop()
	world.cluster, err = devcluster.Start(ctx, devcluster.Options{Progress: os.Stderr, Nodes: 3})
	if err != nil {
		return 0, err
	}
	defer world.cluster.Stop()
	scheme, err := k8s.NewScheme()
	if err != nil {
		return 0, err
	}
	if world.admin, err = client.New(world.cluster.Config(), client.Options{Scheme: scheme}); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// findHelm is $HELM, else the one that `make verify` and `make test` have installed.
func findHelm() (string, error) {
	if path := os.Getenv("HELM"); path != "" {
		return path, nil
	}
	cache := os.Getenv("WFI_CACHE_DIR")
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		cache = filepath.Join(dir, "workspace-flyte-integration")
	}
	found, _ := filepath.Glob(filepath.Join(cache, "tools", "helm@*", "helm"))
	if len(found) == 0 {
		return "", fmt.Errorf("there is no Helm: set HELM to its path, or run make test, which installs it into %s", cache)
	}
	return found[len(found)-1], nil
}

// helm runs the command line as the cluster's admin, with nothing of this machine's own configuration.
func helm(t *testing.T, args ...string) (output string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), world.helm, append(args, "--namespace", namespace)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+world.cluster.Kubeconfig(),
		"HELM_CONFIG_HOME="+world.dir, "HELM_CACHE_HOME="+world.dir, "HELM_DATA_HOME="+world.dir)
	text, err := cmd.CombinedOutput()
	return string(text), err
}

func mustHelm(t *testing.T, args ...string) string {
	t.Helper()
	text, err := helm(t, args...)
	if err != nil {
		t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, text)
	}
	return text
}
