//go:build linux

// Package docker runs `integrationctl deploy … docker` by script: on a host with a real sshd and a real Docker engine, both of Debian,
// with the service's own image, for a real control plane that the service reaches by a kubeconfig. It needs root, and runs only by
// `make test-node`; what needs no engine runs everywhere.
package docker

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-logr/logr"
	"github.com/rogpeppe/go-internal/testscript"
	ctrl "sigs.k8s.io/controller-runtime"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

var update = flag.Bool("update", false, "update the golden files in the scripts")

// TestPlans runs what needs no engine: files and requests that are shown, and wrong usage.
func TestPlans(t *testing.T) {
	programs := t.TempDir()
	_, _, err := harness.Build(t.Context(), programs)
	harness.Must(t, err)
	testscript.Run(t, testscript.Params{
		Files: []string{"testdata/plans.txtar"}, UpdateScripts: *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"code": harness.Code},
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", programs+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
	})
}

// TestEngine runs what needs an engine, one after the other, each on a host of its own. All share the cluster.
func TestEngine(t *testing.T) {
	if os.Getenv("NODE_IMAGE_TARS") == "" {
		t.Skip("an engine needs root and namespaces; make test-node runs it")
	}
	ctrl.SetLogger(logr.Discard())
	env := start(t)
	files, err := filepath.Glob("testdata/[0-9]-*.txtar")
	harness.Must(t, err)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { env.run(t, file) })
	}
	t.Run("lock", func(t *testing.T) { testLock(t, env) })
	t.Run("refused", func(t *testing.T) { testRefused(t, env) })
	t.Run("cut", func(t *testing.T) { testCut(t, env) })
}

func (env *environment) run(t *testing.T, file string) {
	t.Helper()
	h := env.startHost(t)
	testscript.Run(t, testscript.Params{
		Files: []string{file}, Cmds: env.commands(t, h),
		Setup: func(e *testscript.Env) error {
			for name, value := range map[string]string{
				"PATH": env.programs + string(os.PathListSeparator) + e.Getenv("PATH"), "HOME": e.WorkDir,
				"HOST": h.Address, "IP": h.IP, "HOSTKEY": env.keys.Fingerprint, "SOCKET": h.Path("/run/docker.sock"),
				"ARCHIVE": env.archive, "REGISTRY": h.registry, "PRINTED": filepath.Join(e.WorkDir, "printed"),
				"VOLUME": h.Path("/var/lib/docker/volumes/" + release + "/_data"),
			} {
				e.Setenv(name, value)
			}
			return h.writeFiles(e.WorkDir, env.keys)
		},
	})
}
