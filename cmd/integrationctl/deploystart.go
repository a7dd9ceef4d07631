package main

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

func newDeployStart(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "start [TARGET]",
		Short: "Start as many replicas as ran before stop",
		Example: `  integrationctl deploy start k8s
  integrationctl deploy start k8s --dry-run`,
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
		return d.change(c, stopper, deploy.ActionStart, "", stopper.Start)
	}
	return c
}
