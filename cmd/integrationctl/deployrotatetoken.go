package main

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

func newDeployNodeRotateToken(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "rotate-token [TARGET]",
		Short: "Replace the token with which nodes join",
		Long: `Let K3s make a new token on the server of --host, restart the server, give the token to each --agent, and restart that, too.
Pods keep running. No output shows the token. Name all agents: one with the old token can't join again after a restart.`,
		Example: `  integrationctl deploy node rotate-token k3s --host node1 --agent node2 --agent node3
  integrationctl deploy node rotate-token k3s --host node1 --yes`,
		Args: deployArgs(0),
	}
	d := newDeployment(streams, c)
	d.changeFlags(c)
	c.Flags().DurationVar(&d.flags.timeout, "timeout", defaultRollOutTimeout, "how long to wait for the server")
	c.RunE = func(c *cobra.Command, args []string) error {
		target, _, err := d.openNodes(c, args)
		if err != nil {
			return err
		}
		if d.flags.k3s.ssh.Host == "" || d.flags.dryRun {
			return usagef("name the server with --host, without --dry-run")
		}
		return d.change(c, target, deploy.ActionSetup, "", target.RotateToken)
	}
	return c
}
