// Package cli runs integrationctl as people do, by script, beside one service on a real control plane.
package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

var shared harness.Shared

func TestMain(m *testing.M) { shared.Main(m) }

// TestScripts runs the scripts in this order: doctor first, since the others leave tiers and faults behind; those of testdata/script and,
// of testdata/oncall, those with a fault of one workspace at the same time, each with workspaces of its own; those of testdata/oncall-all,
// whose faults concern all workspaces, one after the other. For a fault, describe names the cause and what to do.
func TestScripts(t *testing.T) {
	for _, group := range []string{"doctor", "script", "oncall"} {
		t.Run(group, func(t *testing.T) { runScripts(t, filepath.Join("testdata", group)) })
	}
	files, err := filepath.Glob("testdata/oncall-all/*.txtar")
	harness.Must(t, err)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runScripts(t, "", file) })
	}
}

func runScripts(t *testing.T, dir string, files ...string) {
	t.Helper()
	bin := programs(t)
	testscript.Run(t, testscript.Params{
		Dir: dir, Files: files, Cmds: commands(),
		Setup: func(e *testscript.Env) error {
			env := shared.Env()
			kubeconfig, err := os.ReadFile(env.Cluster.Kubeconfig())
			if err != nil {
				return err
			}
			e.Setenv("PATH", bin+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("KUBECONFIG", filepath.Join(e.WorkDir, "kubeconfig"))
			e.Setenv("INTEGRATIONCTL_URL", env.Service.URL)
			e.Setenv("WORKSPACE_WEBHOOK_SECRET", env.Service.Secret)
			e.Setenv("FLYTE_API_VERSION_BEFORE", "v1")
			return os.WriteFile(filepath.Join(e.WorkDir, "kubeconfig"), kubeconfig, 0o600) //nolint:gosec // in the script's own directory
		},
	})
}

// programs is a directory with integrationctl, also under the names by which kubectl starts it.
func programs(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"integrationctl", "kubectl-workspace", "kubectl_complete-workspace"} {
		harness.Must(t, os.Symlink(shared.Env().Integrationctl, filepath.Join(dir, name)))
	}
	return dir
}
