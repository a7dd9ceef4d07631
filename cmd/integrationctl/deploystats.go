package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

func newDeployStats(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "stats [TARGET]",
		Short: "Show the CPU and memory of each replica",
		Long:  `Show the CPU and memory of each replica, by the metrics API. Without one, the exit code is 3.`,
		Example: `  integrationctl deploy stats k8s
  integrationctl deploy stats k8s -o json`,
		Args: deployArgs(0),
	}
	d := newDeployment(streams, c)
	format := dataFlag(c, "table")
	c.RunE = func(c *cobra.Command, args []string) error {
		meter, _, err := openAs[deploy.Meter](d, c, args)
		if err != nil {
			return err
		}
		return written(c.Context(), streams.Out, func(ctx context.Context, out io.Writer) error {
			usages, err := meter.Stats(ctx)
			if err != nil {
				return err
			}
			return printData(out, *format, usages, func(out io.Writer) error {
				table := newTable("Pod", "CPU", "Memory")
				for _, u := range usages {
					table.Rows = append(table.Rows, metav1.TableRow{Cells: []any{u.Name, u.CPU, u.Memory}})
				}
				return printers.NewTablePrinter(printers.PrintOptions{}).PrintObj(table, out)
			})
		})
	}
	return c
}
