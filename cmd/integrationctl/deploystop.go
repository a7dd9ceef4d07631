package main

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

func newDeployStop(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "stop [TARGET]",
		Short: "Stop all replicas, and remember how many there were",
		Long: `Stop all replicas. Webhooks get no answer until "deploy start" or "deploy up" starts as many replicas as there were; senders
retry.`,
		Example: `  integrationctl deploy stop k8s
  integrationctl deploy stop k8s --dry-run`,
		Args: deployArgs(0),
	}
	d := newDeployment(streams, c)
	d.changeFlags(c)
	d.rollOutFlags(c)
	c.Flags().Lookup("wait").Usage = "wait until all replicas have stopped"
	c.RunE = func(c *cobra.Command, args []string) error {
		stopper, _, err := openAs[deploy.Stopper](d, c, args)
		if err != nil {
			return err
		}
		return d.change(c, stopper, deploy.ActionStop, "", stopper.Stop)
	}
	return c
}
