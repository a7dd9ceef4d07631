package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// installed returns the service's container.
func (t *Target) installed(ctx context.Context) (*container.InspectResponse, error) {
	c, err := t.inspect(ctx, t.container())
	if err == nil && c == nil {
		err = deploy.Failf(deploy.PreflightFailed, "%s has no container %q: run `%s` first", t.place(), t.container(), t.command("up"))
	}
	return c, err
}

// operate does something with the service's container, and waits until it is ready again.
func (t *Target) operate(ctx context.Context, steps *progress.Steps, name string, do func(context.Context, string) error) error {
	return t.locked(ctx, steps, name, func(ctx context.Context, op *operation) error {
		return steps.Run(ctx, name, func(ctx context.Context, step *progress.Step) error {
			c, err := t.installed(ctx)
			if err != nil {
				return err
			}
			if err := do(ctx, c.ID); err != nil {
				return fmt.Errorf("container %q: %w", t.container(), err)
			}
			if !t.o.Wait || name == string(deploy.ActionStop) {
				return nil
			}
			return op.awaitReady(ctx, step, c.ID)
		})
	})
}

// Restart implements [deploy.Restarter]. Files that are read at the start alone, such as the kubeconfig, are read anew.
func (t *Target) Restart(ctx context.Context, steps *progress.Steps) error {
	return t.operate(ctx, steps, string(deploy.ActionRestart), func(ctx context.Context, id string) error {
		_, err := t.engine.ContainerRestart(ctx, id, client.ContainerRestartOptions{})
		return err
	})
}

// Stop implements [deploy.Stopper]. A container that was stopped stays so when the host starts again.
func (t *Target) Stop(ctx context.Context, steps *progress.Steps) error {
	return t.operate(ctx, steps, string(deploy.ActionStop), func(ctx context.Context, id string) error {
		_, err := t.engine.ContainerStop(ctx, id, client.ContainerStopOptions{})
		return err
	})
}

// Start implements [deploy.Stopper].
func (t *Target) Start(ctx context.Context, steps *progress.Steps) error {
	return t.operate(ctx, steps, string(deploy.ActionStart), func(ctx context.Context, id string) error {
		_, err := t.engine.ContainerStart(ctx, id, client.ContainerStartOptions{})
		return err
	})
}

// Down implements [deploy.Target]. The volume with secrets and history stays, and so do the images, unless everything is removed.
func (t *Target) Down(ctx context.Context, steps *progress.Steps, what deploy.Removal) error {
	return t.locked(ctx, steps, "down", func(ctx context.Context, op *operation) error {
		err := steps.RunAll(ctx,
			progress.Task{Name: "remove_container", Do: op.removeService},
			progress.Task{Name: "remove_network", Do: op.removeNetwork},
		)
		if err != nil {
			return err
		}
		if what != deploy.RemoveEverything {
			return steps.Run(ctx, "keep", op.keepVolume)
		}
		if err := steps.Run(ctx, "remove_images", op.removeImages); err != nil {
			return err
		}
		op.afterwards = op.removeVolume
		return nil
	})
}

func (op *operation) removeService(ctx context.Context, step *progress.Step) error {
	c, err := op.inspect(ctx, op.container())
	if err != nil {
		return err
	}
	if c == nil {
		step.Skip("there is no container %q", op.container())
		return nil
	}
	if _, err := op.engine.ContainerStop(ctx, c.ID, client.ContainerStopOptions{}); err != nil {
		return fmt.Errorf("stopping container %q: %w", op.container(), err)
	}
	return op.remove(ctx, c.ID)
}

func (op *operation) removeNetwork(ctx context.Context, step *progress.Step) error {
	_, err := op.engine.NetworkRemove(ctx, op.network(), client.NetworkRemoveOptions{})
	if cerrdefs.IsNotFound(err) {
		step.Skip("there is no network %q", op.network())
		return nil
	}
	if err != nil {
		return fmt.Errorf("removing network %q: %w", op.network(), err)
	}
	return nil
}

func (op *operation) keepVolume(_ context.Context, step *progress.Step) error {
	step.Summarize("volume %q stays, with the secrets and the history, and so do the images", op.volume())
	return nil
}

func (op *operation) removeImages(ctx context.Context, step *progress.Step) error {
	removed, err := op.untag(ctx, nil)
	step.Summarize("removed %d names of images", removed)
	return err
}

// untag removes the names that this program has given to images, but for some. Names of others stay.
func (op *operation) untag(ctx context.Context, kept []string) (removed int, err error) {
	all, err := op.engine.ImageList(ctx, client.ImageListOptions{Filters: client.Filters{}.Add("reference", op.o.Project+":r*")})
	if err != nil {
		return 0, fmt.Errorf("listing images: %w", err)
	}
	for i := range all.Items {
		for _, tag := range all.Items[i].RepoTags {
			if !strings.HasPrefix(tag, op.o.Project+":r") || slices.Contains(kept, tag) {
				continue
			}
			if _, err := op.engine.ImageRemove(ctx, tag, client.ImageRemoveOptions{PruneChildren: true}); err != nil {
				return removed, fmt.Errorf("removing the image %s: %w", tag, err)
			}
			removed++
		}
	}
	return removed, nil
}

// removeVolume removes the volume, and the image of the containers that reached it.
func (op *operation) removeVolume(ctx context.Context) error {
	return op.steps.Run(ctx, "remove_volume", func(ctx context.Context, step *progress.Step) error {
		_, err := op.engine.VolumeRemove(ctx, op.volume(), client.VolumeRemoveOptions{})
		_, errImage := op.engine.ImageRemove(ctx, op.filesImage(), client.ImageRemoveOptions{})
		if cerrdefs.IsNotFound(errImage) {
			errImage = nil
		}
		if err := errors.Join(err, errImage); err != nil {
			return fmt.Errorf("removing volume %q: %w", op.volume(), err)
		}
		step.Summarize("removed volume %q with the secrets and the history", op.volume())
		return nil
	})
}
