package docker

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
	"k8s.io/apimachinery/pkg/util/wait"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

const logsCheck = 2 * time.Second

// Logs implements [deploy.Logger]. With Follow it connects again when a connection ends, and follows the container that replaces the one
// it follows.
func (t *Target) Logs(ctx context.Context, out io.Writer, o deploy.LogOptions) error {
	if o.Previous {
		return deploy.Failf(deploy.Unsupported,
			"the target docker does not support --previous: leave it out, since a restarted container continues its log")
	}
	f := &follower{target: t, out: out, name: o.Instance, options: client.ContainerLogsOptions{
		ShowStdout: true, ShowStderr: true, Timestamps: true, Follow: o.Follow,
	}}
	if o.Tail >= 0 {
		f.options.Tail = fmt.Sprint(o.Tail)
	}
	if o.Since > 0 {
		f.options.Since = time.Now().Add(-o.Since).Format(time.RFC3339Nano)
	}
	if err := t.connected(ctx, f.stream); err != nil || !o.Follow {
		return err
	}
	return wait.PollUntilContextCancel(ctx, logsCheck, false, func(ctx context.Context) (bool, error) {
		_ = t.connected(ctx, f.stream) // the host may be away for a while
		return false, nil
	})
}

// follower copies the log of a container, and what comes after it.
type follower struct {
	target  *Target
	out     io.Writer
	name    string // empty for the service's
	options client.ContainerLogsOptions
	last    string // the time of the newest line
}

// stream copies lines whose time is after the last one of an earlier connection.
func (f *follower) stream(ctx context.Context) error {
	id, err := f.container(ctx)
	if err != nil {
		return err
	}
	if f.last != "" {
		f.options.Since, f.options.Tail = f.last, ""
	}
	reader, writer := io.Pipe()
	go func() { _ = writer.CloseWithError(f.target.copyLog(ctx, id, &f.options, writer)) }()
	defer reader.Close()
	return deploy.CopyLog(reader, &f.last, func(line string) error {
		_, err := fmt.Fprintln(f.out, line)
		return err
	})
}

func (f *follower) container(ctx context.Context) (id string, err error) {
	if f.name == "" {
		c, err := f.target.installed(ctx)
		if err != nil {
			return "", err
		}
		return c.ID, nil
	}
	c, err := f.target.inspect(ctx, f.name)
	if err == nil && c == nil {
		err = fmt.Errorf("%s has no container %q: `%s` lists them", f.target.place(), f.name, f.target.command("status"))
	}
	if err != nil {
		return "", err
	}
	return c.ID, nil
}

// copyLog copies the log of a container.
func (t *Target) copyLog(ctx context.Context, id string, o *client.ContainerLogsOptions, out io.Writer) error {
	log, err := t.engine.ContainerLogs(ctx, id, *o)
	if err != nil {
		return fmt.Errorf("reading the log of the container: %w", err)
	}
	defer log.Close()
	_, err = stdcopy.StdCopy(out, out, log)
	return err
}
