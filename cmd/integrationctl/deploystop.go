package main

import (
	"context"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

func newDeployStop(streams genericiooptions.IOStreams) *cobra.Command {
	c := onReplicas(streams, deploy.ActionStop, deploy.Stopper.Stop, &cobra.Command{
		Use:   "stop [TARGET]",
		Short: "Stop all replicas, and remember how many there were",
		Long: `Stop all replicas. Webhooks get no answer until "deploy start" or "deploy up" starts as many replicas as there were; senders
retry.`,
		Example: `  integrationctl deploy stop k8s
  integrationctl deploy stop k8s --dry-run`,
	})
	c.Flags().Lookup("wait").Usage = "wait until all replicas have stopped"
	return c
}

func newDeployStart(streams genericiooptions.IOStreams) *cobra.Command {
	return onReplicas(streams, deploy.ActionStart, deploy.Stopper.Start, &cobra.Command{
		Use:   "start [TARGET]",
		Short: "Start as many replicas as ran before stop",
		Example: `  integrationctl deploy start k8s
  integrationctl deploy start k8s --dry-run`,
	})
}

func newDeployRestart(streams genericiooptions.IOStreams) *cobra.Command {
	return onReplicas(streams, deploy.ActionRestart, deploy.Restarter.Restart, &cobra.Command{
		Use:   "restart [TARGET]",
		Short: "Replace all replicas by new ones, as a roll-out does",
		Example: `  integrationctl deploy restart k8s
  integrationctl deploy restart k8s --yes --timeout 2m`,
	})
}

// onReplicas completes a command that does something to all replicas.
func onReplicas[T any](
	streams genericiooptions.IOStreams, action deploy.Action, do func(T, context.Context, *progress.Steps) error, c *cobra.Command,
) *cobra.Command {
	d := newDeployment(streams, c)
	d.changeFlags(c)
	d.rollOutFlags(c)
	c.RunE = withTarget(d, func(c *cobra.Command, target T, _ []string) error {
		return d.change(c, target, action, "", func(ctx context.Context, steps *progress.Steps) error { return do(target, ctx, steps) })
	})
	return c
}
