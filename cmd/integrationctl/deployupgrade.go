package main

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/k3s"
)

func newDeployUpgrade(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "upgrade [TARGET]",
		Short: "Upgrade the platform itself: K3s, one node after the other",
		Long: `Upgrade K3s on the server of --host, then on each --agent. The server's datastore is copied first. If there are
several nodes, each is drained first and uncordoned afterwards. A version that is older, or that skips a minor version, is
refused. "deploy up" upgrades the service.`,
		Example: `  integrationctl deploy upgrade k3s --host node1 --agent node2 --k3s-version v1.36.1+k3s1
  integrationctl deploy upgrade k3s --host node1 --bundle k3s-v1.36.1 --k3s-version v1.36.1+k3s1 --yes`,
	}
	d := newDeployment(streams, c)
	d.changeFlags(c)
	d.setupHostFlags(c)
	c.Flags().DurationVar(&d.flags.timeout, "timeout", defaultRollOutTimeout, "how long to wait for each node")
	c.RunE = withTarget(d, d.upgrade)
	return c
}

func (d *deployment) upgrade(c *cobra.Command, target *k3s.Target, _ []string) error {
	if d.flags.k3s.ssh.Host == "" {
		return usagef("name the server with --host")
	}
	return d.change(c, target, deploy.ActionUpgrade, "", target.Upgrade)
}
