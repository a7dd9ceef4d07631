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
		Long: `Stop all replicas. Nobody answers webhooks then: senders get no answer and repeat them. "deploy start" and "deploy up"
start as many replicas as there were.`,
		Example: `  integrationctl deploy stop k8s
  integrationctl deploy stop k8s --dry-run`,
		Args: deployArgs(0),
	}
	d := newDeployment(streams, c)
	d.changeFlags(c)
	d.rollOutFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		stopper, _, err := openAs[deploy.Stopper](d, c, args)
		if err != nil {
			return err
		}
		return d.change(c, stopper, deploy.ActionStop, "", stopper.Stop)
	}
	return c
}
