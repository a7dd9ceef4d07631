package fly

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// interruptTime is how long flyctl may take to end after an interruption: it gives back its leases on Machines.
const interruptTime = 10 * time.Second

// flyctl runs the program. Secrets go by standard input alone.
type flyctl struct{ program string }

func (f *flyctl) run(ctx context.Context, in io.Reader, out, errOut io.Writer, arguments ...string) error {
	program, err := exec.LookPath(f.program)
	if err != nil {
		return deploy.Failf(deploy.PreflightFailed, "the target fly needs flyctl: install it, or name it with --flyctl: %w", err)
	}
	c := exec.CommandContext(ctx, program, arguments...)
	c.Dir = os.TempDir() // a fly.toml in the working directory is not ours
	c.Stdin, c.Stdout, c.Stderr = in, out, errOut
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = interruptTime
	return c.Run()
}

// json runs a command that prints JSON, and decodes it.
func (f *flyctl) json(ctx context.Context, into any, arguments ...string) error {
	var out, errOut bytes.Buffer
	if err := f.run(ctx, nil, &out, &errOut, arguments...); err != nil {
		return failure(arguments, err, errOut.String())
	}
	if err := json.Unmarshal(out.Bytes(), into); err != nil {
		return fmt.Errorf("reading the output of `flyctl %s`: %w", strings.Join(arguments, " "), err)
	}
	return nil
}

// stream runs a command, and reports each line of its output as it appears.
func (f *flyctl) stream(ctx context.Context, line func(string), arguments ...string) error {
	lines := &lineWriter{line: line}
	err := f.run(ctx, nil, lines, lines, arguments...)
	lines.flush()
	return failure(arguments, err, lines.last)
}

// input runs a command with standard input. Its output is not shown: it might repeat the input.
func (f *flyctl) input(ctx context.Context, text string, arguments ...string) error {
	return failure(arguments, f.run(ctx, strings.NewReader(text), io.Discard, io.Discard, arguments...), "")
}

// copy runs a command, and copies its output.
func (f *flyctl) copy(ctx context.Context, out io.Writer, arguments ...string) error {
	var errOut bytes.Buffer
	return failure(arguments, f.run(ctx, nil, out, &errOut, arguments...), errOut.String())
}

// failure says which command failed, and the last line that it has printed.
func failure(arguments []string, err error, output string) error {
	var failed *deploy.Error
	if err == nil || errors.As(err, &failed) {
		return err
	}
	lines := strings.Split(strings.TrimSpace(output), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return fmt.Errorf("flyctl %s: %w: %s", strings.Join(arguments, " "), err, last)
	}
	return fmt.Errorf("flyctl %s: %w", strings.Join(arguments, " "), err)
}

// lineWriter splits what is written into lines.
type lineWriter struct {
	line func(string)
	rest []byte
	last string
}

// Write implements [io.Writer].
func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		w.emit(string(w.rest[:i]))
		w.rest = w.rest[i+1:]
	}
}

func (w *lineWriter) flush() {
	w.emit(string(w.rest))
	w.rest = nil
}

func (w *lineWriter) emit(text string) {
	if text = strings.TrimSpace(text); text != "" {
		w.last = text
		w.line(text)
	}
}
