package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// newTable begins a table with these columns. Its Flush writes it.
func newTable(out io.Writer, columns ...string) *tabwriter.Writer {
	const gap = 3
	table := tabwriter.NewWriter(out, 0, 0, gap, ' ', 0)
	fmt.Fprintln(table, strings.Join(columns, "\t"))
	return table
}
