package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/printable"
)

// doctor is the command "doctor".
type doctor struct {
	streams  genericiooptions.IOStreams
	cluster  *cluster
	settings settingsFlags
	url      string
	format   string
}

func newDoctorCommand(streams genericiooptions.IOStreams) *cobra.Command {
	d := &doctor{streams: streams}
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check the installation, and say how to repair what is wrong",
		Long: `Check the API server, your rights, the CRDs, admission policies, tiers, the service and its leader, Flyte, the namespace
mapping, the webhook secret, clocks, the workspace service, network isolation and the workspaces. Each check is ok, a
warning or failed, with a remedy.

It changes nothing. It asks the service for its health through a port-forward, or at --url. The exit code is 3 if a
check failed.`,
		Example: `  integrationctl doctor
  integrationctl doctor -n platform-services -o json`,
		Args: cobra.NoArgs,
		RunE: d.run,
	}
	d.register(c)
	return c
}

func (d *doctor) register(c *cobra.Command) {
	d.cluster = newCluster(c)
	d.settings.register(c)
	c.Flags().StringVar(&d.url, "url", "", "base `URL` of the service (default: a port-forward to one of its pods)")
	c.Flags().StringVarP(&d.format, "output", "o", "table", "`format`: table or json")
	completeFlag(c, "output", fixedValues("table", "json"))
}

// The outcomes of a check.
const (
	outcomeOK      = "ok"
	outcomeWarning = "warning"
	outcomeFailed  = "failed"
)

// finding is what a check found.
type finding struct {
	Check   string `json:"check"`
	Outcome string `json:"outcome"`
	Found   string `json:"found"`
	Remedy  string `json:"remedy,omitempty"`
}

func passed(check, format string, args ...any) finding {
	return finding{Check: check, Outcome: outcomeOK, Found: fmt.Sprintf(format, args...)}
}

func warned(check, found, remedy string) finding {
	return finding{Check: check, Outcome: outcomeWarning, Found: found, Remedy: remedy}
}

func failed(check, found, remedy string) finding {
	return finding{Check: check, Outcome: outcomeFailed, Found: found, Remedy: remedy}
}

// unreadable is for what a check could not read: nothing is known to be wrong with it.
func unreadable(check string, err error) finding {
	return warned(check, "could not be checked: "+err.Error(), hintFor(err))
}

func (d *doctor) run(c *cobra.Command, _ []string) error {
	if d.format != "table" && d.format != "json" {
		return usagef("-o must be table or json, not %q", d.format)
	}
	findings, err := d.examine(c.Context())
	if err != nil {
		return err
	}
	table := func(out io.Writer) error { return printFindings(out, findings) }
	if err := printData(d.streams.Out, d.format, map[string]any{"checks": findings}, table); err != nil {
		return err
	}
	if slices.ContainsFunc(findings, func(f finding) bool { return f.Outcome == outcomeFailed }) {
		return &codedError{code: exitPreflight}
	}
	return nil
}

// printFindings prints a table, and below it the remedies.
func printFindings(out io.Writer, findings []finding) error {
	table := newTable("Check", "Outcome", "Found")
	for _, f := range findings {
		table.Rows = append(table.Rows, metav1.TableRow{Cells: []any{f.Check, f.Outcome, printable.Text(f.Found, maxText)}})
	}
	err := printTable(out, table)
	for _, f := range findings {
		if f.Remedy != "" && err == nil {
			_, err = fmt.Fprintf(out, "\n%s: %s\n", f.Check, printable.Text(f.Remedy, maxText))
		}
	}
	return err
}
