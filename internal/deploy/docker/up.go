package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
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
		found, err := op.provideImage(ctx, arch)
		if err != nil {
			return err
		}
		text, err := t.composeFile(ctx, cmp.Or(found.digest, found.id), secrets)
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

// provideImage makes sure that the host has the image.
func (op *operation) provideImage(ctx context.Context, arch string) (found *image, err error) {
	err = op.steps.Run(ctx, "image", func(ctx context.Context, step *progress.Step) error {
		found, err = op.provide(ctx, step, arch)
		return err
	})
	return found, err
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
	r.Number = all.next()
	if err := op.begin(ctx, r); err != nil {
		return err
	}
	if err := op.serve(ctx, service, r); err != nil {
		return op.failed(ctx, r, err)
	}
	return op.finish(ctx, r, all)
}

// begin records a revision, and names its image, so that a rollback finds it.
func (op *operation) begin(ctx context.Context, r *revision) error {
	r.Time, r.Operator, r.State = time.Now().UTC().Truncate(time.Second), deploy.UserName(), stateBegun
	if err := op.record(ctx, r); err != nil {
		return err
	}
	if _, err := op.engine.ImageTag(ctx, client.ImageTagOptions{Source: r.ImageID, Target: op.tag(r.Number)}); err != nil {
		return fmt.Errorf("naming the image %s: %w", op.tag(r.Number), err)
	}
	return nil
}

// serve rehearses a revision, unless nobody waits for it, and makes it the one that serves.
func (op *operation) serve(ctx context.Context, s *types.ServiceConfig, r *revision) error {
	if op.o.Wait {
		if err := op.rehearse(ctx, s, r); err != nil {
			return err
		}
	}
	return op.replace(ctx, s, r)
}

// finish records that a revision serves, and cleans up after the earlier ones.
func (op *operation) finish(ctx context.Context, r *revision, all journal) error {
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
