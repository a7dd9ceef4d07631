package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
	"golang.org/x/term"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// exitError is the exit code of a command in the container.
type exitError int

// Error implements error.
func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// ExitStatus is the code.
func (e exitError) ExitStatus() int { return int(e) }

// Exec implements [deploy.Executor].
func (t *Target) Exec(ctx context.Context, o deploy.ExecOptions) error {
	return t.connected(ctx, func(ctx context.Context) error {
		name := cmp.Or(o.Instance, t.container())
		created, err := t.engine.ExecCreate(ctx, name, client.ExecCreateOptions{
			Cmd: o.Command, AttachStdin: o.Stdin, AttachStdout: true, AttachStderr: true, TTY: o.TTY,
		})
		if err != nil {
			return fmt.Errorf("running a command in container %q: %w", name, err)
		}
		if err := t.attach(ctx, created.ID, &o); err != nil {
			return fmt.Errorf("running a command in container %q: %w", name, err)
		}
		inspected, err := t.engine.ExecInspect(ctx, created.ID, client.ExecInspectOptions{})
		if err == nil && inspected.ExitCode != 0 {
			return exitError(inspected.ExitCode)
		}
		return err
	})
}

// attach copies the streams of a command until it has ended.
func (t *Target) attach(ctx context.Context, id string, o *deploy.ExecOptions) error {
	attached, err := t.engine.ExecAttach(ctx, id, client.ExecAttachOptions{TTY: o.TTY})
	if err != nil {
		return err
	}
	defer attached.Close()
	stop := context.AfterFunc(ctx, attached.Close)
	defer stop()
	if o.TTY {
		defer t.useTerminal(ctx, id, o.Streams.In)()
	}
	if o.Stdin {
		go copyInput(&attached.HijackedResponse, o.Streams.In)
	}
	err = copyOutput(o, attached.Reader)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// copyInput copies what a command reads, and tells it when that ends.
func copyInput(attached *client.HijackedResponse, in io.Reader) {
	_, _ = io.Copy(attached.Conn, in)
	_ = attached.CloseWrite()
}

// copyOutput copies what a command prints. With a terminal that is one stream; without one, the engine multiplexes two.
func copyOutput(o *deploy.ExecOptions, from io.Reader) (err error) {
	if o.TTY {
		_, err = io.Copy(o.Streams.Out, from)
	} else {
		_, err = stdcopy.StdCopy(o.Streams.Out, o.Streams.ErrOut, from)
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// useTerminal passes every key on, and gives the command the size of the terminal at its start.
func (t *Target) useTerminal(ctx context.Context, id string, in io.Reader) (restore func()) {
	file, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return func() {}
	}
	if width, height, err := term.GetSize(int(file.Fd())); err == nil {
		_, _ = t.engine.ExecResize(ctx, id, client.ExecResizeOptions{Height: uint(height), Width: uint(width)})
	}
	state, err := term.MakeRaw(int(file.Fd()))
	if err != nil {
		return func() {}
	}
	return func() { _ = term.Restore(int(file.Fd()), state) }
}
