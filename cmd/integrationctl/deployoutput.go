package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/yaml"
)

// dataFlag adds -o with these formats for people, of which the first is the default, and json and yaml.
func dataFlag(c *cobra.Command, own ...string) *string {
	formats := slices.Concat(own, []string{"json", "yaml"})
	format := c.Flags().StringP("output", "o", own[0], "`format`: "+strings.Join(formats, ", "))
	completeFlag(c, "output", fixedValues(formats...))
	return format
}

// printData prints data as JSON or YAML, or as text for people.
func printData(out io.Writer, format string, data any, text func(io.Writer) error) error {
	switch format {
	case "json":
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(data)
	case "yaml":
		content, err := yaml.Marshal(data)
		if err != nil {
			return fmt.Errorf("writing YAML: %w", err)
		}
		_, err = out.Write(content)
		return err
	case "table", "wide":
		return text(out)
	}
	return usagef("-o must be table, json or yaml, not %q", format)
}

// lists completes a command that prints a row for each of what the target reads.
func lists[T, R any](
	streams genericiooptions.IOStreams, read func(T, context.Context) ([]R, error), columns []string, cells func(*R) []any, c *cobra.Command,
) *cobra.Command {
	d := newDeployment(streams, c)
	format := dataFlag(c, "table")
	c.RunE = withTarget(d, func(c *cobra.Command, target T, _ []string) error {
		all, err := read(target, c.Context())
		if err != nil {
			return asDeployError(c.Context(), err)
		}
		return asDeployError(c.Context(), printData(streams.Out, *format, all, func(out io.Writer) error {
			table := newTable(columns...)
			for i := range all {
				table.Rows = append(table.Rows, metav1.TableRow{Cells: cells(&all[i])})
			}
			return printTable(out, table)
		}))
	})
	return c
}

func newTable(columns ...string) *metav1.Table {
	table := &metav1.Table{}
	for _, name := range columns {
		table.ColumnDefinitions = append(table.ColumnDefinitions, metav1.TableColumnDefinition{Name: name})
	}
	return table
}

func printTable(out io.Writer, table *metav1.Table) error {
	return printers.NewTablePrinter(printers.PrintOptions{}).PrintObj(table, out)
}
