package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

func newTable(columns ...string) *metav1.Table {
	table := &metav1.Table{}
	for _, name := range columns {
		table.ColumnDefinitions = append(table.ColumnDefinitions, metav1.TableColumnDefinition{Name: name})
	}
	return table
}

// noColor is the convention of no-color.org.
func noColor() bool { return os.Getenv("NO_COLOR") != "" }
