// Package cli runs integrationctl as people do, by script, beside one service on a real control plane.
package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

var shared harness.Shared

func TestMain(m *testing.M) { shared.Main(m) }

// TestCommands runs each script of testdata/script. Scripts run at the same time, each with workspaces of its own.
func TestCommands(t *testing.T) { runScripts(t, "testdata/script") }

func runScripts(t *testing.T, dir string) {
	t.Helper()
	bin := programs(t)
	testscript.Run(t, testscript.Params{
		Dir:  dir,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"code": code, "usage": usage},
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

// code is the command "code N PROGRAM ARGS...": the program must end with exit code N.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N program [args...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("%s ended with exit code %d, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}

// usage is the command "usage PROGRAM ARGS...": the program must refuse its arguments.
func usage(ts *testscript.TestScript, neg bool, args []string) {
	code(ts, neg, append([]string{"64"}, args...))
}
