package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

func newDeployCommand(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "deploy",
		Short: "Deploy the service, and operate what is deployed",
		Long: `Install, update, watch and remove the service on a target: k8s, a Kubernetes cluster, by the chart that this program
carries; k3s, a host on which it first installs K3s over SSH; docker, a Docker host, over SSH or this machine; or fly, Fly
Machines by the program flyctl. Neither helm, kubectl, ssh nor docker is needed.

integration.yaml, or the file of --profile, names a target and its flags. Then "integrationctl deploy up" needs no others.

Data is on standard output; steps are on standard error.
` + exitCodesHelp,
	}
	c.AddCommand(
		newDeploySetup(streams), newDeployUp(streams), newDeployStatus(streams), newDeployDiff(streams), newDeployRender(streams),
		newDeployLogs(streams), newDeployExec(streams), newDeployStats(streams), newDeployRestart(streams), newDeployStop(streams),
		newDeployStart(streams), newDeployScale(streams), newDeployHistory(streams), newDeployRollback(streams), newDeployDown(streams),
		newDeployNode(streams), newDeployUpgrade(streams),
	)
	return c
}

// deployment is what all commands of "deploy" share.
type deployment struct {
	streams genericiooptions.IOStreams
	cluster *cluster
	flags   deployFlags
	// target is the name of the target.
	target string
}

// deployArgs takes a target, which the profile may name instead, and then up to more arguments.
func deployArgs(more int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > more+1 {
			return fmt.Errorf("it takes TARGET and at most %d more arguments", more)
		}
		return nil
	}
}

// open makes the target that the arguments or the profile name, and returns the arguments after it.
func (d *deployment) open(c *cobra.Command, args []string) (target deploy.Target, rest []string, err error) {
	rest, err = d.applyProfile(c, args)
	if err != nil {
		return nil, nil, err
	}
	if err := d.refuseForeignFlags(c); err != nil {
		return nil, nil, err
	}
	if d.flags.timeout <= 0 {
		return nil, nil, usagef("--timeout must be above zero, not %s", d.flags.timeout)
	}
	target, err = d.openTarget(c)
	return target, rest, err
}

func (d *deployment) openTarget(c *cobra.Command) (deploy.Target, error) {
	switch d.target {
	case targetK8s:
		return d.newK8s()
	case targetK3s:
		return d.openK3s(c)
	case targetFly:
		return d.openFly(c)
	case targetDocker:
		return d.openDocker(c)
	}
	return nil, usagef("the target must be %s, not %q", strings.Join(deployTargets, " or "), d.target)
}

// withTarget opens the target for a command that only some targets have, by what they must be able to do for it.
func withTarget[T any](d *deployment, run func(c *cobra.Command, target T, rest []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		target, rest, err := d.open(c, args)
		if err != nil {
			return err
		}
		_, command, _ := strings.Cut(c.CommandPath(), " deploy ")
		capable, err := as[T](d, target, command)
		if err != nil {
			return err
		}
		return run(c, capable, rest)
	}
}

// as returns what only some targets can do.
func as[T any](d *deployment, target any, command string) (T, error) {
	capable, ok := target.(T)
	if !ok {
		return capable, &codedError{exitPreflight, fmt.Sprintf("the target %s does not support %s: see docs/deploy.md", d.target, command)}
	}
	return capable, nil
}

// steps reports to standard error.
func (d *deployment) steps() (*progress.Steps, error) {
	switch how, out := d.flags.progress, d.streams.ErrOut; {
	case how == "auto" && printers.IsTerminal(out):
		return progress.New(progress.Terminal(out)), nil
	case how == "auto", how == "plain":
		return progress.New(progress.Plain(out)), nil
	case how == "json":
		return progress.New(progress.JSON(out)), nil
	}
	return nil, usagef("--progress must be auto, plain or json, not %q", d.flags.progress)
}

// change runs an action of a target after it was confirmed, or shows what it would do.
func (d *deployment) change(
	c *cobra.Command, target any, what deploy.Action, argument string, do func(ctx context.Context, steps *progress.Steps) error,
) error {
	ctx := c.Context()
	if d.flags.dryRun {
		planner, err := as[deploy.Planner](d, target, "--dry-run")
		if err != nil {
			return err
		}
		return asDeployError(ctx, planner.Plan(ctx, d.streams.Out, what, argument))
	}
	steps, err := d.steps()
	if err != nil {
		return err
	}
	if err := d.confirm(ctx, c.Name()); err != nil {
		return err
	}
	return asDeployError(ctx, do(ctx, steps))
}

// confirm shows what is about to change, and asks.
func (d *deployment) confirm(ctx context.Context, verb string) error {
	if d.flags.progress != "json" {
		fmt.Fprintf(d.streams.ErrOut, "%s %s: %s\n", verb, d.target, d.place())
	}
	if d.flags.yes {
		return nil
	}
	if !printers.IsTerminal(d.streams.In) {
		return usagef("standard input is no terminal to ask on: give --yes to %s in %s", verb, d.place())
	}
	if !confirmed(ctx, d.streams, "Go on?") {
		return &codedError{exitError, "nothing was changed"}
	}
	return nil
}

// asDeployError gives an error the exit code of its outcome.
func asDeployError(ctx context.Context, err error) error {
	var coded *codedError
	if err == nil || errors.As(err, &coded) {
		return err
	}
	if ctx.Err() != nil {
		return &codedError{exitInterrupted, err.Error()}
	}
	switch deploy.OutcomeOf(err) {
	case deploy.PreflightFailed, deploy.Unsupported:
		return &codedError{exitPreflight, err.Error()}
	case deploy.RolledBack:
		return &codedError{exitRolledBack, err.Error()}
	case deploy.NotRolledBack:
		return &codedError{exitNotRolledBack, err.Error()}
	case deploy.Unknown:
		return &codedError{exitError, err.Error()}
	}
	return err
}
