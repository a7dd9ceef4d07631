// Package fly runs the service on Fly Machines, by the program flyctl. The service reaches Flyte's cluster by a kubeconfig.
package fly

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// Options say which app is deployed where, and how.
type Options struct {
	// Flyctl is the program, by path or by its name on PATH.
	Flyctl string
	// App is the name of the app, and Organization the one that Setup creates it in.
	App, Organization string
	// Secrets are staged by Setup, by name.
	Secrets map[string]string
	// Image is the image of the service.
	Image string
	// Regions are where Machines run. The first one is the primary region.
	Regions []string
	// Domains are host names that get a certificate.
	Domains []string
	// Replicas is the number of Machines; negative keeps what there is, or one for each region and at least two at first.
	Replicas int
	// Environment configures the service.
	Environment map[string]string
	// Size and Memory are those of a Machine. Strategy is rolling or recreate.
	Size, Memory, Strategy string
	// Wait waits until all Machines are healthy, for at most Timeout, and rolls back if they are not.
	Wait    bool
	Timeout time.Duration
}

// Target is an app on Fly Machines.
type Target struct {
	o      Options
	flyctl *flyctl
}

var _ interface {
	deploy.Target
	deploy.Planner
	deploy.Renderer
	deploy.Differ
	deploy.Logger
	deploy.Restarter
	deploy.Stopper
	deploy.Scaler
	deploy.Historian
} = (*Target)(nil)

// New makes a target. It does not run flyctl.
func New(o Options) (*Target, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return &Target{o: o, flyctl: &flyctl{program: o.Flyctl}}, nil
}

// command is a command line of the program for this target.
func (t *Target) command(verb string) string {
	return fmt.Sprintf("integrationctl deploy %s fly --app %s", verb, t.o.App)
}

// app are the arguments of a flyctl command for the app.
func (t *Target) app(arguments ...string) []string { return append(arguments, "--app", t.o.App) }

// unknown is the error for what happened while Fly could not be reached.
func (t *Target) unknown(err error) error {
	return deploy.Failf(deploy.Unknown, "the outcome is unknown: `%s` shows it: %w", t.command("status"), err)
}

// Restart implements [deploy.Restarter].
func (t *Target) Restart(ctx context.Context, steps *progress.Steps) error {
	if err := t.step(ctx, steps, "restart", "apps", "restart", t.o.App); err != nil {
		return err
	}
	return t.awaitHealthy(ctx, steps)
}

// Stop implements [deploy.Stopper]. Fly's proxy does not start a Machine that is stopped: fly.toml says so.
func (t *Target) Stop(ctx context.Context, steps *progress.Steps) error {
	return t.forMachines(ctx, steps, "stop")
}

// Start implements [deploy.Stopper].
func (t *Target) Start(ctx context.Context, steps *progress.Steps) error {
	if err := t.forMachines(ctx, steps, "start"); err != nil {
		return err
	}
	return t.awaitHealthy(ctx, steps)
}

// forMachines runs `flyctl machine VERB` for all Machines.
func (t *Target) forMachines(ctx context.Context, steps *progress.Steps, verb string) error {
	return steps.Run(ctx, verb, func(ctx context.Context, step *progress.Step) error {
		machines, err := t.machines(ctx)
		if err != nil {
			return err
		}
		if len(machines) == 0 {
			return fmt.Errorf("app %q has no Machines: run `%s` first", t.o.App, t.command("up"))
		}
		arguments := []string{"machine", verb}
		for i := range machines {
			arguments = append(arguments, machines[i].ID)
		}
		return t.flyctl.stream(ctx, step.Output, t.app(arguments...)...)
	})
}

// Scale implements [deploy.Scaler]. Later deployments keep the number.
func (t *Target) Scale(ctx context.Context, steps *progress.Steps, replicas int) error {
	if err := t.step(ctx, steps, "scale", t.scaleArguments(replicas)...); err != nil {
		return err
	}
	return t.awaitHealthy(ctx, steps)
}

func (t *Target) scaleArguments(replicas int) []string {
	arguments := t.app("scale", "count", fmt.Sprint(replicas))
	if len(t.o.Regions) > 0 {
		arguments = append(arguments, "--region", strings.Join(t.o.Regions, ","))
	}
	return append(arguments, "--yes")
}

// step runs one flyctl command as a step.
func (t *Target) step(ctx context.Context, steps *progress.Steps, name string, arguments ...string) error {
	return steps.Run(ctx, name, func(ctx context.Context, step *progress.Step) error {
		return t.flyctl.stream(ctx, step.Output, arguments...)
	})
}

// Down implements [deploy.Target]. Without Machines, the app keeps its secrets, certificates and addresses.
func (t *Target) Down(ctx context.Context, steps *progress.Steps, what deploy.Removal) error {
	if what == deploy.RemoveEverything {
		return t.step(ctx, steps, "destroy_app", t.destroyArguments()...)
	}
	return t.step(ctx, steps, "remove_machines", t.removeArguments()...)
}

func (t *Target) destroyArguments() []string { return []string{"apps", "destroy", t.o.App, "--yes"} }

func (t *Target) removeArguments() []string { return append(t.app("scale", "count", "0"), "--yes") }

// Logs implements [deploy.Logger].
func (t *Target) Logs(ctx context.Context, out io.Writer, o deploy.LogOptions) error {
	if o.Previous || o.Tail >= 0 || o.Since > 0 {
		return deploy.Failf(deploy.Unsupported, "the target fly does not support --previous, --tail and --since: Fly keeps only the newest lines")
	}
	arguments := t.app("logs")
	if o.Instance != "" {
		arguments = append(arguments, "--instance", o.Instance)
	}
	if !o.Follow {
		arguments = append(arguments, "--no-tail")
	}
	return t.flyctl.copy(ctx, out, arguments...)
}
