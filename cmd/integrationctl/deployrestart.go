package main

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

func newDeployRestart(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "restart [TARGET]",
		Short: "Replace all replicas by new ones, as a roll-out does",
		Example: `  integrationctl deploy restart k8s
  integrationctl deploy restart k8s --yes --timeout 2m`,
		Args: deployArgs(0),
	}
	d := newDeployment(streams, c)
	d.changeFlags(c)
	d.rollOutFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		restarter, _, err := openAs[deploy.Restarter](d, c, args)
		if err != nil {
			return err
		}
		return d.change(c, restarter, deploy.ActionRestart, "", restarter.Restart)
	}
	return c
}
