package cli

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// follower is a program that a script watches.
type follower struct {
	command *exec.Cmd
	mu      sync.Mutex
	out     bytes.Buffer
}

// followers are those of the scripts that run.
var followers sync.Map

// Write implements io.Writer for the program's output.
func (f *follower) Write(text []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.out.Write(text)
}

func (f *follower) printed() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return bytes.Clone(f.out.Bytes())
}

// follow is the command "follow integrationctl ARGS...": it starts the program, and waits until it has printed something.
func follow(ts *testscript.TestScript, _ bool, args []string) {
	f := &follower{}
	f.command = exec.CommandContext(context.Background(), shared.Env().Integrationctl, args[1:]...)
	f.command.Env, f.command.Dir, f.command.Stdout = append(os.Environ(), "KUBECONFIG="+ts.Getenv("KUBECONFIG")), ts.MkAbs("."), f
	ts.Check(f.command.Start())
	followers.Store(ts, f)
	f.await(ts, `.`)
}

// followed is the command "followed REGEXP": it waits until the output of the followed program matches, and ends it with Ctrl-C.
func followed(ts *testscript.TestScript, _ bool, args []string) {
	found, _ := followers.LoadAndDelete(ts)
	f, ok := found.(*follower)
	if !ok {
		ts.Fatalf("no program is followed")
	}
	f.await(ts, args[0])
	ts.Check(f.command.Process.Signal(os.Interrupt))
	_ = f.command.Wait()
	if code := f.command.ProcessState.ExitCode(); code != 130 {
		ts.Fatalf("after Ctrl-C its exit code is %d", code)
	}
}

func (f *follower) await(ts *testscript.TestScript, expression string) {
	match := regexp.MustCompile(expression)
	err := harness.Poll(context.Background(), func(context.Context) bool { return match.Match(f.printed()) })
	if err != nil {
		_ = f.command.Process.Kill()
		_ = f.command.Wait()
		ts.Fatalf("%s does not print %s: %v\n%s", f.command, expression, err, f.printed())
	}
}
