package binaries

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"platform.company.com/workspace-flyte-integration/devcluster/child"
)

// planDelay is how long a build runs before it is planned. A build that is up to date ends earlier.
const planDelay = 2 * time.Second

// Build is one call of `go build`, with the local toolchain.
type Build struct {
	// Name is its name in the progress line.
	Name string
	// Module is the directory of the module that requires the packages.
	Module string
	// Packages are main packages. Each becomes a binary in Dir.
	Packages    []string
	LinkerFlags string
	// Tags are build tags, separated by commas.
	Tags string
	Dir  string
}

// Run runs the build. Its error has the end of the compiler's output.
func (b Build) Run(ctx context.Context, progress *Progress) error {
	status := progress.begin(b)
	defer progress.end(status)
	planned := b.planLater(ctx, status)
	err := child.Run(b.command(ctx, status, "build", "-v", "-o", b.Dir+string(filepath.Separator)))
	planned()
	if err != nil {
		return fmt.Errorf("building the %s: running go build: %w\n%s", b.Name, err, status.lastLines())
	}
	return nil
}

// planLater plans the build while it runs, so that a build that is up to date does not wait for the plan.
func (b Build) planLater(ctx context.Context, status *buildStatus) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-ctx.Done():
		case <-time.After(planDelay):
			status.setPlan(b.plan(ctx, status))
		}
	}()
	return func() { cancel(); <-ended }
}

// command returns a go command with the flags on which it depends whether a package is up to date.
func (b Build) command(ctx context.Context, messages io.Writer, args ...string) *exec.Cmd {
	args = append(args, "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", b.LinkerFlags, "-tags", b.Tags)
	cmd := exec.CommandContext(ctx, "go", append(args, b.Packages...)...)
	cmd.Dir = b.Module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	cmd.Stdout, cmd.Stderr = messages, messages
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // so that go removes its work directory
	cmd.WaitDelay = 10 * time.Second
	return cmd
}
