//go:build linux

// Package k3s runs `integrationctl deploy … k3s` against hosts: a real sshd of Debian in a root directory of its own, with a stand-in of
// K3s that records what it is asked. The API server is a real control plane with simulated nodes; on one host, the stand-in starts a real
// node. It needs root, and runs only by `make test-node`.
package k3s

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-logr/logr"
	"github.com/rogpeppe/go-internal/testscript"
	ctrl "sigs.k8s.io/controller-runtime"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
	realnode "platform.company.com/workspace-flyte-integration/devcluster/node"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/e2e/sshhost"
)

// environment is what the scripts share.
type environment struct {
	programs, sshd string
	keys           *sshhost.Keys
	cluster        *devcluster.Cluster
	// bundle has the files of a release, and image is the service's image as a tar.
	bundle, image string
}

func TestMain(m *testing.M) {
	realnode.RunChild()
	if os.Getenv("NODE_IMAGE") == "" {
		fmt.Println("SKIP: these tests need root and namespaces; make test-node runs them") //nolint:forbidigo // for go test -v
		return
	}
	ctrl.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// TestScripts runs the scripts one after the other: they share the cluster.
func TestScripts(t *testing.T) {
	env := start(t)
	files, err := filepath.Glob("testdata/*.txtar")
	harness.Must(t, err)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { env.run(t, file) })
	}
}

func start(t *testing.T) *environment {
	t.Helper()
	env := &environment{programs: t.TempDir(), keys: sshhost.NewKeys(t), bundle: t.TempDir()}
	_, _, err := harness.Build(t.Context(), env.programs)
	harness.Must(t, err)
	env.sshd, err = binaries.SSHServerRoot(t.Context(), t.Output())
	harness.Must(t, err)
	env.cluster, err = devcluster.Start(t.Context(), devcluster.Options{Progress: t.Output(), Nodes: 2})
	harness.Must(t, err)
	t.Cleanup(env.cluster.Stop)
	writeBundle(t, env.bundle, standInVersion)
	env.image = harness.ImageTar(t)
	return env
}

func (env *environment) run(t *testing.T, file string) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Files: []string{file}, Cmds: env.commands(t),
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", env.programs+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("KUBECONFIG", filepath.Join(e.WorkDir, "kubeconfig"))
			e.Setenv("BUNDLE", env.bundle)
			e.Setenv("IMAGE", env.image)
			e.Setenv("HOSTKEY", env.keys.Fingerprint)
			e.Setenv("API", env.cluster.Config().Host[len("https://"):])
			if err := os.MkdirAll(filepath.Join(e.WorkDir, ".ssh"), 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(e.WorkDir, ".ssh", "id_ed25519"), env.keys.User, 0o600); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "image.tar"), sshhost.ImageTar("amd64"), 0o600)
		},
	})
}

// startHost starts a host whose /var/lib has that size.
func (env *environment) startHost(t *testing.T, disk string) *sshhost.Host {
	t.Helper()
	return sshhost.Start(t, sshhost.Options{
		SSHD: env.sshd, Keys: env.keys, Disk: disk, Files: map[string]string{
			"kubeconfig": env.cluster.Kubeconfig(), "prepare.sh": "testdata/host/prepare.sh", "forced": "testdata/host/forced",
		},
	})
}
