package devcluster

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

const progressInterval = 5 * time.Second

// goBuild builds main packages of the module, or of what it requires, with the local Go toolchain.
type goBuild struct {
	module      string
	packages    []string
	linkerFlags string
	progress    io.Writer
}

func (b goBuild) run(ctx context.Context, dir string) error {
	output := &buildOutput{began: time.Now()}
	stop := output.report(b.progress)
	defer stop()
	if err := runWithParent(b.command(ctx, dir, output)); err != nil {
		return fmt.Errorf("running go build: %w\n%s", err, output.tail())
	}
	return nil
}

func (b goBuild) command(ctx context.Context, dir string, output io.Writer) *exec.Cmd {
	args := []string{
		"build", "-v", "-mod=readonly", "-trimpath", "-buildvcs=false",
		"-ldflags", b.linkerFlags, "-o", dir + string(filepath.Separator),
	}
	cmd := exec.CommandContext(ctx, "go", append(args, b.packages...)...)
	cmd.Dir = b.module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // go removes its work directory
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// buildOutput takes what `go build -v` prints: a line per package that it
// downloads or compiles, and the errors.
type buildOutput struct {
	began time.Time
	mu    sync.Mutex
	text  bytes.Buffer
}

func (o *buildOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// report prints a line every few seconds until the function it returns is called.
func (o *buildOutput) report(progress io.Writer) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(progressInterval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				fmt.Fprintf(progress, "go build ended after %s\n", o.elapsed())
				return
			case <-ticker.C:
				fmt.Fprintln(progress, o.line())
			}
		}
	}()
	return func() { close(done); <-ended }
}

func (o *buildOutput) line() string {
	lines := o.lines()
	if len(lines) == 0 {
		return fmt.Sprintf("building the control plane: %s, linking", o.elapsed())
	}
	return fmt.Sprintf("building the control plane: %s, %d packages, last %s", o.elapsed(), len(lines), lines[len(lines)-1])
}

func (o *buildOutput) elapsed() time.Duration { return time.Since(o.began).Round(time.Second) }

func (o *buildOutput) lines() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.FieldsFunc(o.text.String(), func(r rune) bool { return r == '\n' })
}

func (o *buildOutput) tail() string { return lastLines(o.lines()) }
