package main

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

func newDeployStats(streams genericiooptions.IOStreams) *cobra.Command {
	columns := []string{"Pod", "CPU", "Memory"}
	return lists(streams, deploy.Meter.Stats, columns, func(u *deploy.Usage) []any { return []any{u.Name, u.CPU, u.Memory} }, &cobra.Command{
		Use:   "stats [TARGET]",
		Short: "Show the CPU and memory of each replica",
		Long:  `Show the CPU and memory of each replica, by the metrics API. Without one, the exit code is 3.`,
		Example: `  integrationctl deploy stats k8s
  integrationctl deploy stats k8s -o json`,
	})
}
