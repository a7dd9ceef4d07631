package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// row is one figure beside the floor's and its goal.
type row struct {
	what           string
	service, floor string
	ratio          float64
	goal           goal
}

// goal bounds a ratio. The zero value is no goal.
type goal struct {
	atMost, atLeast float64
}

func (g goal) String() string {
	switch {
	case g.atMost > 0:
		return fmt.Sprintf("≤ %g", g.atMost)
	case g.atLeast > 0:
		return fmt.Sprintf("≥ %g", g.atLeast)
	}
	return ""
}

// verdict is "yes" or "no", or empty without a goal.
func (g goal) verdict(ratio float64) string {
	switch {
	case g == goal{}:
		return ""
	case g.atMost > 0 && ratio > g.atMost, g.atLeast > 0 && ratio < g.atLeast:
		return "no"
	}
	return "yes"
}

// ratioOf is a/b, or 0 if b is 0.
func ratioOf[N int | float64 | time.Duration](a, b N) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// timeRow compares one quantile of the service's and the floor's times.
func timeRow(what string, q float64, service, floor []time.Duration, g goal) row {
	s, f := quantile(service, q), quantile(floor, q)
	name := "median"
	if q != median {
		name = fmt.Sprintf("p%.0f", 100*q)
	}
	return row{fmt.Sprintf("%s, %s of %d", what, name, len(service)), s.String(), f.String(), ratioOf(s, f), g}
}

const (
	median = 0.5
	p99    = 0.99
)

// quantile is the q-quantile, 0 without times.
func quantile(of []time.Duration, q float64) time.Duration {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	i := min(int(q*float64(len(sorted))), len(sorted)-1)
	return sorted[i].Round(10 * time.Microsecond)
}

// printHead begins the table, in Markdown, as docs/benchmarks.md has it.
func printHead(out io.Writer) {
	fmt.Fprintln(out, "| figure | service | floor | ratio | goal | met |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|")
}

func printRows(out io.Writer, rows []row) {
	for _, r := range rows {
		ratio := ""
		if r.ratio != 0 || r.goal != (goal{}) {
			ratio = fmt.Sprintf("%.2f", r.ratio)
		}
		cells := []string{r.what, r.service, r.floor, ratio, r.goal.String(), r.goal.verdict(r.ratio)}
		fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | "))
	}
}
