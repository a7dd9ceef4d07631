package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"

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

// openNodes makes a target that has nodes of its own.
func (d *deployment) openNodes(c *cobra.Command, args []string) (target *k3s.Target, rest []string, err error) {
	opened, rest, err := d.open(c, args)
	if err != nil {
		return nil, nil, err
	}
	target, err = as[*k3s.Target](d, opened, "node")
	return target, rest, err
}

func newDeployNodeAdd(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "add [TARGET]",
		Short: "Join a host to the cluster as an agent",
		Long: `Install K3s as an agent on the host of --agent, with the server's token, which no output shows, and wait until the new node is
ready. Then import --image-archive to it. Name the host with --agent at each "deploy up" with an image archive.`,
		Example: `  integrationctl deploy node add k3s --host node1 --agent node2
  integrationctl deploy node add k3s --host node1 --agent node2 --bundle k3s-v1.35.5 --image-archive image.tar --yes`,
		Args: deployArgs(0),
	}
	d := newDeployment(streams, c)
	d.changeFlags(c)
	d.setupHostFlags(c)
	c.Flags().StringVar(&d.flags.k3s.image, "image-archive", "", "k3s: `tar` of the image to import")
	c.Flags().DurationVar(&d.flags.timeout, "timeout", defaultRollOutTimeout, "how long to wait")
	c.RunE = func(c *cobra.Command, args []string) error {
		target, _, err := d.openNodes(c, args)
		if err != nil {
			return err
		}
		if len(d.flags.k3s.agents) != 1 || d.flags.k3s.ssh.Host == "" || d.flags.dryRun {
			return usagef("name the server with --host, and the host to add with one --agent, without --dry-run")
		}
		return d.change(c, target, deploy.ActionSetup, "", func(ctx context.Context, steps *progress.Steps) error {
			return target.AddNode(ctx, steps, d.flags.k3s.agents[0])
		})
	}
	return c
}

func newDeployNodeList(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "list [TARGET]",
		Short: "List the nodes, with the number of the service's pods on each",
		Example: `  integrationctl deploy node list k3s --host node1
  integrationctl deploy node list k3s --host node1 -o json`,
		Args: deployArgs(0),
	}
	d := newDeployment(streams, c)
	format := dataFlag(c, "table")
	c.RunE = func(c *cobra.Command, args []string) error {
		target, _, err := d.openNodes(c, args)
		if err != nil {
			return err
		}
		return written(c.Context(), streams.Out, func(ctx context.Context, out io.Writer) error {
			nodes, err := target.Nodes(ctx)
			if err != nil {
				return err
			}
			return printData(out, *format, nodes, func(out io.Writer) error { return printNodes(out, nodes) })
		})
	}
	return c
}

func printNodes(out io.Writer, nodes []k3s.Node) error {
	table := newTable("Node", "State", "Roles", "Version", "Pods", "Age", "Address")
	for _, n := range nodes {
		table.Rows = append(table.Rows, metav1.TableRow{Cells: []any{
			n.Name, n.State, n.Roles, n.Version, n.Pods, duration.HumanDuration(time.Since(*n.Created)), n.Address,
		}})
	}
	return printers.NewTablePrinter(printers.PrintOptions{}).PrintObj(table, out)
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
	c.RunE = func(c *cobra.Command, args []string) error {
		target, rest, err := d.openNodes(c, args)
		if err != nil {
			return err
		}
		if len(rest) != 1 || d.flags.dryRun {
			return usagef("name one node, without --dry-run: %s", c.UseLine())
		}
		return d.change(c, target, deploy.ActionDown, "", func(ctx context.Context, steps *progress.Steps) error {
			return target.RemoveNode(ctx, steps, rest[0])
		})
	}
	return c
}
