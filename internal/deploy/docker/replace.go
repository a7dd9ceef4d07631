package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// replace stops the container that serves and starts the new one. If that fails, the old one serves again.
func (op *operation) replace(ctx context.Context, s *types.ServiceConfig, r *revision) error {
	return op.steps.Run(ctx, "replace", func(ctx context.Context, step *progress.Step) error {
		old, err := op.setAside(ctx)
		if err != nil {
			return err
		}
		gap, err := op.switchTo(ctx, step, s, r, old)
		if err != nil {
			return op.restore(ctx, step, old, err)
		}
		switch at := addressOf(s); {
		case !op.o.Wait:
			step.Summarize("revision %d was started at %s, without waiting until it answers", r.Number, at)
		case runs(old):
			step.Summarize("revision %d serves at %s; nobody answered there for %.1fs", r.Number, at, gap.Seconds())
		default:
			step.Summarize("revision %d serves at %s", r.Number, at)
		}
		if old == nil {
			return nil
		}
		return op.remove(ctx, old.ID)
	})
}

// setAside renames the container that serves, and returns it, or nil if there is none.
func (op *operation) setAside(ctx context.Context) (*container.InspectResponse, error) {
	old, err := op.inspect(ctx, op.container())
	if err != nil || old == nil {
		return nil, err
	}
	if _, err := op.engine.ContainerRename(ctx, old.ID, client.ContainerRenameOptions{NewName: op.previous()}); err != nil {
		return nil, fmt.Errorf("renaming container %q: %w", op.container(), err)
	}
	return old, nil
}

// addressOf is where the host publishes the service.
func addressOf(s *types.ServiceConfig) string {
	if len(s.Ports) == 0 {
		return "no address of the host"
	}
	return net.JoinHostPort(s.Ports[0].HostIP, s.Ports[0].Published)
}

// switchTo returns how long nobody answered.
func (op *operation) switchTo(
	ctx context.Context, step *progress.Step, s *types.ServiceConfig, r *revision, old *container.InspectResponse,
) (gap time.Duration, err error) {
	id, err := op.create(ctx, op.container(), s, r)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	if runs(old) {
		if _, err := op.engine.ContainerStop(ctx, op.previous(), client.ContainerStopOptions{}); err != nil {
			return 0, fmt.Errorf("stopping container %q: %w", op.previous(), err)
		}
	}
	if _, err := op.engine.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
		return 0, fmt.Errorf("starting container %q: %w", op.container(), err)
	}
	if !op.o.Wait {
		return time.Since(begin), nil
	}
	return time.Since(begin), op.awaitReady(ctx, step, id)
}

// errNotRestored marks a failure after which the old container does not serve again.
var errNotRestored = errors.New("the earlier container could not be started again: see its log, then deploy again")

// runs says whether there is a container and it runs.
func runs(c *container.InspectResponse) bool { return c != nil && c.State.Running }

// restore makes the old container serve again if it did, even if the command was interrupted. It always returns an error. Without the
// lock it touches nothing: who has taken it over puts the containers in order.
func (op *operation) restore(ctx context.Context, step *progress.Step, old *container.InspectResponse, cause error) error {
	if deploy.IsLockLost(ctx) {
		return cause
	}
	ctx, cancel := cleanUp(ctx)
	defer cancel()
	err := op.nameBack(ctx, old)
	if err == nil && runs(old) {
		err = op.startAgain(ctx, step, old.ID)
	}
	if err != nil {
		return fmt.Errorf("%w; %w: %w", cause, errNotRestored, err)
	}
	return cause
}

// nameBack removes the new container, if it is there, and gives the old one its name again, if there was one.
func (op *operation) nameBack(ctx context.Context, old *container.InspectResponse) error {
	if err := op.remove(ctx, op.container()); err != nil || old == nil {
		return err
	}
	_, err := op.engine.ContainerRename(ctx, old.ID, client.ContainerRenameOptions{NewName: op.container()})
	return err
}

// startAgain starts a container that has served, and waits until it does so again.
func (op *operation) startAgain(ctx context.Context, step *progress.Step, id string) error {
	if _, err := op.engine.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil || !op.o.Wait {
		return err
	}
	return op.awaitReady(ctx, step, id)
}
