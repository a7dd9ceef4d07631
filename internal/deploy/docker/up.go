package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// Up implements [deploy.Target]. A container of the new image has to get ready beside the one that serves before that is stopped: both are
// replicas, of which one leads. What fails afterwards starts the old one again.
func (t *Target) Up(ctx context.Context, steps *progress.Steps) error {
	return t.locked(ctx, steps, t.o.Reason, func(ctx context.Context, op *operation) error {
		arch, secrets, err := op.prepare(ctx)
		if err != nil {
			return err
		}
		var found *image
		err = steps.Run(ctx, "image", func(ctx context.Context, step *progress.Step) error {
			found, err = op.provide(ctx, step, arch)
			return err
		})
		if err != nil {
			return err
		}
		named := found.digest
		if named == "" {
			named = found.id
		}
		text, err := t.composeFile(ctx, named, secrets)
		if err != nil {
			return err
		}
		return op.deploy(ctx, &revision{
			Image: found.name, ImageID: found.id, Digest: found.digest, Version: found.version, Compose: string(text), Reason: t.o.Reason,
		})
	})
}

// prepare checks the host and the secrets, whose names it returns.
func (op *operation) prepare(ctx context.Context) (arch string, secrets []string, err error) {
	err = op.steps.Run(ctx, "preflight", func(ctx context.Context, step *progress.Step) error {
		if arch, err = op.preflight(ctx, step); err != nil {
			return err
		}
		there, err := op.readFiles(ctx, op.files, secretsPath)
		if err != nil {
			return err
		}
		secrets = slices.Sorted(maps.Keys(there))
		return missing(there, nil, op.place())
	})
	if err == nil {
		err = op.steps.Run(ctx, "create_network", op.createNetwork)
	}
	return arch, secrets, err
}

// deploy makes a revision the one that serves.
func (op *operation) deploy(ctx context.Context, r *revision) error {
	all, err := op.journal(ctx)
	if err != nil {
		return err
	}
	service, err := op.parse(ctx, []byte(r.Compose))
	if err != nil {
		return err
	}
	r.Number, r.Time, r.Operator, r.State = all.next(), time.Now().UTC().Truncate(time.Second), deploy.UserName(), stateBegun
	if err := op.record(ctx, r); err != nil {
		return err
	}
	if _, err := op.engine.ImageTag(ctx, client.ImageTagOptions{Source: r.ImageID, Target: op.tag(r.Number)}); err != nil {
		return fmt.Errorf("naming the image %s: %w", op.tag(r.Number), err)
	}
	if op.o.Wait {
		if err := op.rehearse(ctx, service, r); err != nil {
			return op.failed(ctx, r, err)
		}
	}
	if err := op.replace(ctx, service, r); err != nil {
		return op.failed(ctx, r, err)
	}
	state := stateWorked
	if !op.o.Wait {
		state = stateUnsure
	}
	if err := op.conclude(ctx, r, state, ""); err != nil {
		return err
	}
	return op.steps.Run(ctx, "clean_up", func(ctx context.Context, step *progress.Step) error {
		return op.forget(ctx, step, append(all, *r))
	})
}

// rehearse waits until a candidate is ready, without a port of the host, and removes it.
func (op *operation) rehearse(ctx context.Context, s *types.ServiceConfig, r *revision) error {
	return op.steps.Run(ctx, "rehearse", func(ctx context.Context, step *progress.Step) error {
		id, err := op.create(ctx, op.candidate(), s, r)
		if err != nil {
			return err
		}
		defer func() { _ = op.remove(ctx, id) }()
		if _, err := op.engine.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
			return fmt.Errorf("starting container %q: %w", op.candidate(), err)
		}
		if err := op.awaitReady(ctx, step, id); err != nil {
			return err
		}
		step.Summarize("a container of the new revision got ready, without a port")
		if _, err := op.engine.ContainerStop(ctx, id, client.ContainerStopOptions{}); err != nil { // it gives back the Lease
			return fmt.Errorf("stopping container %q: %w", op.candidate(), err)
		}
		return nil
	})
}

// replace stops the container that serves and starts the new one. If that fails, the old one serves again.
func (op *operation) replace(ctx context.Context, s *types.ServiceConfig, r *revision) error {
	return op.steps.Run(ctx, "replace", func(ctx context.Context, step *progress.Step) error {
		old, err := op.inspect(ctx, op.container())
		if err != nil {
			return err
		}
		if old != nil {
			if _, err := op.engine.ContainerRename(ctx, old.ID, client.ContainerRenameOptions{NewName: op.previous()}); err != nil {
				return fmt.Errorf("renaming container %q: %w", op.container(), err)
			}
		}
		gap, err := op.switchTo(ctx, step, s, r, old)
		if err != nil {
			return op.restore(ctx, step, old, err)
		}
		switch {
		case !op.o.Wait:
			step.Summarize("revision %d was started at %s, without waiting until it answers", r.Number, addressOf(s))
		case runs(old):
			step.Summarize("revision %d serves at %s; nobody answered there for %.1fs", r.Number, addressOf(s), gap.Seconds())
		default:
			step.Summarize("revision %d serves at %s", r.Number, addressOf(s))
		}
		if old == nil {
			return nil
		}
		return op.remove(ctx, old.ID)
	})
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

// failed records why a revision failed, and returns the error with its outcome.
func (op *operation) failed(ctx context.Context, r *revision, cause error) error {
	if deploy.IsLockLost(ctx) {
		return cause
	}
	if err := op.conclude(ctx, r, stateFailed, cause.Error()); err != nil {
		cause = fmt.Errorf("%w; %w", cause, err)
	}
	switch {
	case errors.Is(cause, errNotRestored):
		return deploy.Failf(deploy.NotRolledBack, "revision %d failed: %w", r.Number, cause)
	case ctx.Err() != nil:
		return fmt.Errorf("revision %d was interrupted, and the earlier one serves: %w", r.Number, cause)
	}
	serving, err := op.inspect(ctx, op.container())
	switch {
	case err != nil:
		return deploy.Failf(deploy.NotRolledBack, "revision %d failed: %w; %w", r.Number, cause, err)
	case serving == nil:
		return deploy.Failf(deploy.RolledBack, "revision %d failed and was removed, since nothing ran before: %w", r.Number, cause)
	}
	return deploy.Failf(deploy.RolledBack, "revision %d failed, and revision %s serves: %w", r.Number, serving.Config.Labels[labelRevision],
		cause)
}

// forget removes the names of images that nobody returns to.
func (op *operation) forget(ctx context.Context, step *progress.Step, all journal) error {
	kept := []string{}
	for i := range slices.Backward(all) {
		if all[i].State != stateFailed && len(kept) < keptImages {
			kept = append(kept, op.tag(all[i].Number))
		}
	}
	removed, err := op.untag(ctx, kept)
	step.Summarize("removed %d names of images of older or failed revisions", removed)
	if err == nil && removed == 0 {
		step.Skip("the images of the %d newest revisions that worked are kept", keptImages)
	}
	return err
}
