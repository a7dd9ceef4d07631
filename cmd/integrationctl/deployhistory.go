package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

func newDeployHistory(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "history [TARGET]",
		Short: "List revisions: who deployed what, why, and whether it worked",
		Example: `  integrationctl deploy history k8s
  integrationctl deploy history k8s -o json`,
		Args: deployArgs(0),
	}
	d := newDeployment(streams, c)
	format := dataFlag(c, "table")
	c.RunE = func(c *cobra.Command, args []string) error {
		historian, _, err := openAs[deploy.Historian](d, c, args)
		if err != nil {
			return err
		}
		return written(c.Context(), streams.Out, func(ctx context.Context, out io.Writer) error {
			revisions, err := historian.History(ctx)
			if err != nil {
				return err
			}
			return printData(out, *format, revisions, func(out io.Writer) error { return printHistory(out, revisions) })
		})
	}
	return c
}

func printHistory(out io.Writer, revisions []deploy.Revision) error {
	table := newTable("Revision", "Updated", "State", "Worked", "Version", "Image", "Description")
	for _, r := range revisions {
		table.Rows = append(table.Rows, metav1.TableRow{Cells: []any{
			r.Number, r.Updated.UTC().Format(time.RFC3339), r.State, r.Worked, r.Version, r.Image, r.Description,
		}})
	}
	return printers.NewTablePrinter(printers.PrintOptions{}).PrintObj(table, out)
}
