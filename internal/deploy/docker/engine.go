package docker

import (
	"context"
	"net"
	"time"

	"github.com/moby/moby/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
	"platform.company.com/workspace-flyte-integration/internal/deploy/ssh"
)

// cleanUpTime is how long a command may take to undo what it has begun, after it was interrupted.
const cleanUpTime = 2 * time.Minute

// connect opens the connection to the engine. The caller closes it.
func (t *Target) connect(ctx context.Context) error {
	dial := (&net.Dialer{}).DialContext
	if t.o.SSH != nil {
		host, err := ssh.Dial(ctx, *t.o.SSH)
		if err != nil {
			return ssh.MarkRefused(err)
		}
		t.host, dial = host, host.DialContext
	}
	var err error
	t.engine, err = client.New(client.WithHost("unix://"+t.o.Socket), client.WithDialContext(
		func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, "unix", t.o.Socket) },
	))
	if err == nil {
		_, err = t.engine.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
	}
	if err != nil {
		t.close()
		return t.unreachable(ctx, err)
	}
	return nil
}

// unreachable says what the engine's socket needs.
func (t *Target) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	if t.o.SSH == nil {
		return deploy.Failf(deploy.PreflightFailed, "no Docker engine answers at %s: is it running, may you use it, or is its --socket "+
			"elsewhere? %w", t.o.Socket, err)
	}
	return deploy.Failf(deploy.PreflightFailed, "no Docker engine answers at %s of %s: is it running, is the user root or in the group "+
		"docker, does sshd allow AllowStreamLocalForwarding, or is the --socket elsewhere? %w", t.o.Socket, t.o.SSH.Host, err)
}

func (t *Target) close() {
	if t.engine != nil {
		_ = t.engine.Close()
	}
	if t.host != nil {
		t.host.Close()
	}
}

// connected runs something that only reads.
func (t *Target) connected(ctx context.Context, do func(context.Context) error) error {
	if err := t.connect(ctx); err != nil {
		return err
	}
	defer t.close()
	return do(ctx)
}

// locked runs something that changes the host: after the connection is there, the lock is taken, and what an interrupted program has left
// is put in order.
func (t *Target) locked(
	ctx context.Context, steps *progress.Steps, why string, do func(context.Context, *operation) error,
) error {
	err := steps.Run(ctx, "connect", func(ctx context.Context, step *progress.Step) error {
		step.Summarize("%s", t.place())
		return t.connect(ctx)
	})
	if err != nil {
		return err
	}
	defer t.close()
	held, unlock, err := t.lock(ctx, steps, why)
	if err != nil {
		return t.outcome(ctx, err)
	}
	op := &operation{Target: t, steps: steps, files: t.lockName()}
	if err = op.recover(held); err == nil {
		err = do(held, op)
	}
	unlock()
	if err == nil && op.afterwards != nil {
		err = op.afterwards(ctx)
	}
	if err != nil && deploy.IsLockLost(held) {
		return deploy.Failf(deploy.Unknown, "%w, so the outcome is unknown: `%s` shows it: %w", deploy.ErrLockLost, t.command("status"), err)
	}
	return t.outcome(ctx, err)
}

// operation is a change under the lock. Files of the volume are reached by the container that is the lock.
type operation struct {
	*Target

	steps *progress.Steps
	files string
	// afterwards is done without the lock, which holds the volume.
	afterwards func(context.Context) error
}

// outcome makes an error one of an unknown outcome, if the engine can no longer be reached.
func (t *Target) outcome(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || deploy.OutcomeOf(err) == deploy.PreflightFailed || deploy.OutcomeOf(err) == deploy.Unsupported {
		return err
	}
	ping, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, lost := t.engine.Ping(ping, client.PingOptions{}); lost != nil {
		return deploy.Failf(deploy.Unknown, "the connection to the engine was lost, so the outcome is unknown: `%s` shows it: %w",
			t.command("status"), err)
	}
	return err
}

// cleanUp is a context for what must be done even if the command was interrupted.
func cleanUp(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
}
