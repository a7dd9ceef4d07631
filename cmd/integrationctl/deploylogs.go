package main

import (
	"cmp"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

func newDeployLogs(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "logs [TARGET] [POD]",
		Short: "Print the logs of all replicas, or of one",
		Long: `Print the logs of all replicas, each line with its pod, or of one pod. -f reconnects when a connection ends, and follows
pods that are created later.`,
		Example: `  integrationctl deploy logs k8s -f
  integrationctl deploy logs k8s --tail 50 --since 10m
  integrationctl deploy logs k8s workspace-flyte-integration-6c8f9-x2x7k --previous`,
		Args: deployArgs(1),
	}
	d := newDeployment(streams, c)
	o := deploy.LogOptions{}
	logFlags(c, &o)
	c.RunE = withTarget(d, func(c *cobra.Command, logger deploy.Logger, rest []string) error {
		o.Instance = cmp.Or(rest...)
		return asDeployError(c.Context(), logger.Logs(c.Context(), streams.Out, o))
	})
	return c
}

func logFlags(c *cobra.Command, o *deploy.LogOptions) {
	f := c.Flags()
	f.BoolVarP(&o.Follow, "follow", "f", false, "print new lines as they appear, until Ctrl-C")
	f.BoolVarP(&o.Previous, "previous", "p", false, "print the log of the previous container")
	f.Int64Var(&o.Tail, "tail", -1, "`number` of the newest lines of each replica (default: all)")
	f.Lookup("tail").DefValue = "0" // help says what the default is
	f.DurationVar(&o.Since, "since", 0, "print only lines that are at most this old, such as 10m")
}
