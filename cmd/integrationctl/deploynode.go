package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/k3s"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

func newDeployNode(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "node",
		Short: "Add, list and remove nodes of a target, and rotate the token with which they join",
	}
	c.AddCommand(newDeployNodeAdd(streams), newDeployNodeList(streams), newDeployNodeRemove(streams), newDeployNodeRotateToken(streams))
	return c
}

func newDeployNodeAdd(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "add [TARGET]",
		Short: "Join a host to the cluster as an agent",
		Long: `Install K3s as an agent on the host of --agent, with the server's token, which no output shows, and wait until the new node is
ready. Then import --image-archive to it. Name the host with --agent at each "deploy up" with an image archive.`,
		Example: `  integrationctl deploy node add k3s --host node1 --agent node2
  integrationctl deploy node add k3s --host node1 --agent node2 --bundle k3s-v1.35.5 --image-archive image.tar --yes`,
	}
	d := newDeployment(streams, c)
	d.changeFlags(c)
	d.setupHostFlags(c)
	c.Flags().StringVar(&d.flags.k3s.image, "image-archive", "", "k3s: `tar` of the image to import")
	c.Flags().DurationVar(&d.flags.timeout, "timeout", defaultRollOutTimeout, "how long to wait")
	c.RunE = withTarget(d, d.addNode)
	return c
}

func (d *deployment) addNode(c *cobra.Command, target *k3s.Target, _ []string) error {
	if len(d.flags.k3s.agents) != 1 || d.flags.k3s.ssh.Host == "" || d.flags.dryRun {
		return usagef("name the server with --host, and the host to add with one --agent, without --dry-run")
	}
	return d.change(c, target, deploy.ActionSetup, "", func(ctx context.Context, steps *progress.Steps) error {
		return target.AddNode(ctx, steps, d.flags.k3s.agents[0])
	})
}

func newDeployNodeList(streams genericiooptions.IOStreams) *cobra.Command {
	columns := []string{"Node", "State", "Roles", "Version", "Pods", "Age", "Address"}
	return lists(streams, (*k3s.Target).Nodes, columns, func(n *k3s.Node) []any {
		return []any{n.Name, n.State, n.Roles, n.Version, n.Pods, duration.HumanDuration(time.Since(*n.Created)), n.Address}
	}, &cobra.Command{
		Use:   "list [TARGET]",
		Short: "List the nodes, with the number of the service's pods on each",
		Example: `  integrationctl deploy node list k3s --host node1
  integrationctl deploy node list k3s --host node1 -o json`,
	})
}

func newDeployNodeRemove(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "remove [TARGET] NODE",
		Short: "Drain a node and take it out of the cluster",
		Long: `List the volumes that exist only on the node's disk, evict its pods, as kubectl drain does, and delete the node. With --agent,
K3s is uninstalled on that host.`,
		Example: `  integrationctl deploy node remove k3s node2 --host node1
  integrationctl deploy node remove k3s node2 --host node1 --agent node2 --yes`,
		Args: deployArgs(1),
	}
	d := newDeployment(streams, c)
	d.changeFlags(c)
	c.Flags().DurationVar(&d.flags.timeout, "timeout", defaultRollOutTimeout, "how long to wait")
	c.RunE = withTarget(d, d.removeNode)
	return c
}

func (d *deployment) removeNode(c *cobra.Command, target *k3s.Target, rest []string) error {
	if len(rest) != 1 || d.flags.dryRun {
		return usagef("name one node, without --dry-run: %s", c.UseLine())
	}
	return d.change(c, target, deploy.ActionDown, "", func(ctx context.Context, steps *progress.Steps) error {
		return target.RemoveNode(ctx, steps, rest[0])
	})
}

func newDeployNodeRotateToken(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "rotate-token [TARGET]",
		Short: "Replace the token with which nodes join",
		Long: `Let K3s make a new token on the server of --host, restart the server, give the token to each --agent, and restart that, too.
Pods keep running. No output shows the token. Name all agents: one with the old token can't join again after a restart.`,
		Example: `  integrationctl deploy node rotate-token k3s --host node1 --agent node2 --agent node3
  integrationctl deploy node rotate-token k3s --host node1 --yes`,
	}
	d := newDeployment(streams, c)
	d.changeFlags(c)
	c.Flags().DurationVar(&d.flags.timeout, "timeout", defaultRollOutTimeout, "how long to wait for the server")
	c.RunE = withTarget(d, d.rotateToken)
	return c
}

func (d *deployment) rotateToken(c *cobra.Command, target *k3s.Target, _ []string) error {
	if d.flags.k3s.ssh.Host == "" || d.flags.dryRun {
		return usagef("name the server with --host, without --dry-run")
	}
	return d.change(c, target, deploy.ActionSetup, "", target.RotateToken)
}
