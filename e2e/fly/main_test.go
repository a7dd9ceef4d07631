// Package fly runs `integrationctl deploy … fly` by script, with a stand-in of flyctl that checks its arguments and has a state. Neither an
// account nor a cluster is needed.
package fly

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

var update = flag.Bool("update", false, "update the golden files in the scripts")

func TestScripts(t *testing.T) {
	programs := t.TempDir()
	_, _, err := harness.Build(t.Context(), programs)
	harness.Must(t, err)
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(programs, "flyctl"), "./flyctl")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the stand-in: %v\n%s", err, text)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata", UpdateScripts: *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"code": harness.Code, "await": await(t)},
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", programs+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("FLY_STATE", e.WorkDir)
			e.Setenv("FLY_VERSION", "0.3.176")
			return nil
		},
	})
}

// await is the command "await FILE": the file appears.
func await(t *testing.T) func(*testscript.TestScript, bool, []string) {
	t.Helper()
	return func(ts *testscript.TestScript, _ bool, args []string) {
		harness.Eventually(t, args[0], func(context.Context) bool {
			_, err := os.Stat(ts.MkAbs(args[0]))
			return err == nil
		})
	}
}
