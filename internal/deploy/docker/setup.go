package docker

import (
	"context"
	"fmt"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// Setup implements [deploy.Target]: it checks the engine, and writes the secrets into the project's volume.
func (t *Target) Setup(ctx context.Context, steps *progress.Steps) error {
	for _, secret := range t.o.Secrets {
		steps.Mask(secret)
	}
	return t.locked(ctx, steps, "setup", func(ctx context.Context, op *operation) error {
		return steps.RunAll(ctx,
			progress.Task{Name: "preflight", Do: func(ctx context.Context, step *progress.Step) error {
				_, err := t.preflight(ctx, step)
				return err
			}},
			progress.Task{Name: "create_network", Do: op.createNetwork},
			progress.Task{Name: "write_secrets", Do: op.writeSecrets},
		)
	})
}

// createNetwork creates the project's network. The volume is there since the lock has it.
func (op *operation) createNetwork(ctx context.Context, step *progress.Step) error {
	_, err := op.engine.NetworkInspect(ctx, op.network(), client.NetworkInspectOptions{})
	if err == nil {
		step.Skip("network %q exists", op.network())
		return nil
	}
	if !cerrdefs.IsNotFound(err) {
		return fmt.Errorf("inspecting network %q: %w", op.network(), err)
	}
	_, err = op.engine.NetworkCreate(ctx, op.network(), client.NetworkCreateOptions{Driver: "bridge", Labels: map[string]string{
		"com.docker.compose.project": op.o.Project, "com.docker.compose.network": "default",
	}})
	if err != nil {
		return fmt.Errorf("creating network %q: %w", op.network(), err)
	}
	step.Summarize("created network %q", op.network())
	return nil
}
