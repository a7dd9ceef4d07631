package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

func newDeployScale(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "scale [TARGET] REPLICAS",
		Short: "Change the number of replicas",
		Long: `Change the number of replicas, as a new revision. With an autoscaler, the number is its minimum. The next "deploy up" keeps
the number, unless --replicas or the values set one.`,
		Example: `  integrationctl deploy scale k8s 5 --reason "end of quarter"`,
		Args:    deployArgs(1),
	}
	d := newDeployment(streams, c)
	d.changeFlags(c)
	d.reasonFlag(c)
	d.rollOutFlags(c)
	d.upRegionFlag(c)
	c.RunE = withTarget(d, d.scale)
	return c
}

func (d *deployment) scale(c *cobra.Command, scaler deploy.Scaler, rest []string) error {
	if len(rest) != 1 {
		return usagef("name the number of replicas: %s", c.UseLine())
	}
	replicas, err := strconv.Atoi(rest[0])
	if err != nil || replicas < 1 {
		return usagef("the number of replicas must be a whole number above zero, not %q; stop runs none", rest[0])
	}
	return d.change(c, scaler, deploy.ActionScale, rest[0], func(ctx context.Context, steps *progress.Steps) error {
		return scaler.Scale(ctx, steps, replicas)
	})
}
