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

// TestDoctor is the first one: it judges what the others leave behind, too.
func TestDoctor(t *testing.T) { runScripts(t, "testdata/doctor") }

// TestCommands runs each script of testdata/script. Scripts run at the same time, each with workspaces of its own.
func TestCommands(t *testing.T) { runScripts(t, "testdata/script") }

// TestOnCall runs each script of testdata/oncall: for a fault of one workspace, describe names the cause and what to do.
func TestOnCall(t *testing.T) { runScripts(t, "testdata/oncall") }

// TestOnCall_ForAllWorkspaces runs each script of testdata/oncall-all, one after the other: their faults concern all workspaces.
func TestOnCall_ForAllWorkspaces(t *testing.T) {
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
