package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"k8s.io/apimachinery/pkg/util/wait"

	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// readyInterval is shorter than the health check's: the time without an answer counts.
const readyInterval = 250 * time.Millisecond

// lastLines are those of the log that explain a failure.
const lastLines = 5

// awaitReady waits until the service in a container is ready. A container that has ended, or starts again and again, fails at once. The
// health check of the container is run at short intervals.
func (t *Target) awaitReady(ctx context.Context, step *progress.Step, name string) error {
	w := &readiness{target: t, step: step, name: name, why: "the health check has not run", restarts: -1}
	err := wait.PollUntilContextTimeout(ctx, readyInterval, t.o.Timeout, true, w.check)
	if err == nil {
		step.Progress(1, 1, "1/1 ready")
		return nil
	}
	if wait.Interrupted(err) && ctx.Err() == nil {
		err = fmt.Errorf("not ready after %s: %s", t.o.Timeout, w.why)
	}
	return t.withLog(ctx, step, name, err)
}

// readiness is what is known of a container that is waited for.
type readiness struct {
	target   *Target
	step     *progress.Step
	name     string
	why      string // it is not ready
	restarts int    // negative until they were counted
}

// check says whether the container is ready. An error is that of a container that will not be.
func (w *readiness) check(ctx context.Context) (ready bool, err error) {
	c, err := w.target.inspect(ctx, w.name)
	switch {
	case err != nil:
		return false, err
	case c == nil:
		return false, fmt.Errorf("container %q was removed by another program: deploy again", w.name)
	case !c.State.Running || c.State.Restarting || w.restarts >= 0 && c.RestartCount > w.restarts:
		return false, errors.New(ended(c))
	}
	w.restarts = c.RestartCount
	code, output, err := w.target.runCheck(ctx, c)
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err() // what was found before is why
	case err != nil:
		w.why = err.Error()
		return false, nil //nolint:nilerr // the container may just have ended
	case code != 0:
		w.why = output
		w.step.Progress(0, 1, "0/1 ready: "+output)
	}
	return code == 0, nil
}

// ended says how a container has ended.
func ended(c *container.InspectResponse) string {
	text := fmt.Sprintf("the container ended with exit code %d", c.State.ExitCode)
	if c.State.OOMKilled {
		text += ", since it used more memory than --memory allows: give it more"
	}
	if c.State.Error != "" {
		text += ": " + c.State.Error
	}
	return text
}

// withLog shows the last lines of the log, and adds the last one to the error.
func (t *Target) withLog(ctx context.Context, step *progress.Step, name string, err error) error {
	ctx, cancel := cleanUp(ctx)
	defer cancel()
	var text bytes.Buffer
	if t.copyLog(ctx, name, &client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: fmt.Sprint(lastLines)}, &text) != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	if lines[0] == "" {
		return err
	}
	step.Output(text.String())
	return fmt.Errorf("%w: %s", err, lines[len(lines)-1])
}

// runCheck runs the health check of a container.
func (t *Target) runCheck(ctx context.Context, c *container.InspectResponse) (code int, output string, err error) {
	if c.Config.Healthcheck == nil || len(c.Config.Healthcheck.Test) < 2 {
		return 0, "", fmt.Errorf("container %q has no health check", c.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*c.Config.Healthcheck.Timeout)
	defer cancel()
	created, err := t.engine.ExecCreate(ctx, c.ID, client.ExecCreateOptions{
		Cmd: c.Config.Healthcheck.Test[1:], AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return 0, "", err
	}
	text, err := t.outputOf(ctx, created.ID)
	if err != nil {
		return 0, "", err
	}
	inspected, err := t.engine.ExecInspect(ctx, created.ID, client.ExecInspectOptions{})
	return inspected.ExitCode, strings.ReplaceAll(strings.TrimSpace(text), "\n", "; "), err
}

// outputOf runs a command in a container until it has ended, and returns what it prints.
func (t *Target) outputOf(ctx context.Context, id string) (string, error) {
	attached, err := t.engine.ExecAttach(ctx, id, client.ExecAttachOptions{})
	if err != nil {
		return "", err
	}
	defer attached.Close()
	stop := context.AfterFunc(ctx, attached.Close)
	defer stop()
	var text bytes.Buffer
	if _, err := stdcopy.StdCopy(&text, &text, attached.Reader); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return text.String(), nil
}
