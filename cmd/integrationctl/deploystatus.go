package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

const statusInterval = 2 * time.Second

func newDeployStatus(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "status [TARGET]",
		Short: "Show what runs: version, image, replicas, pods",
		Example: `  integrationctl deploy status k8s
  integrationctl deploy status k8s -o wide --watch
  integrationctl deploy status k8s -o json`,
	}
	d := newDeployment(streams, c)
	format := dataFlag(c, "table", "wide")
	var watch bool
	c.Flags().BoolVarP(&watch, "watch", "w", false, "print the status again whenever it changes, until Ctrl-C")
	c.RunE = withTarget(d, func(c *cobra.Command, target deploy.Target, _ []string) error {
		show := func(ctx context.Context, out io.Writer) error { return d.showStatus(ctx, out, target, *format) }
		if !watch {
			return asDeployError(c.Context(), show(c.Context(), streams.Out))
		}
		return asDeployError(c.Context(), repeatChanged(c.Context(), streams.Out, show))
	})
	return c
}

func (d *deployment) showStatus(ctx context.Context, out io.Writer, target deploy.Target, format string) error {
	status, err := target.Status(ctx)
	if err != nil {
		return err
	}
	return printData(out, format, status, func(out io.Writer) error { return d.printStatus(out, status, format) })
}

// repeatChanged writes again whenever the text has changed, until the context ends.
func repeatChanged(ctx context.Context, out io.Writer, show func(context.Context, io.Writer) error) error {
	var last []byte
	for ctx.Err() == nil {
		var text bytes.Buffer
		if err := show(ctx, &text); err != nil {
			return err
		}
		if !bytes.Equal(text.Bytes(), last) {
			if _, err := out.Write(text.Bytes()); err != nil {
				return err
			}
			last = text.Bytes()
		}
		pause(ctx, statusInterval)
	}
	return ctx.Err()
}

func (d *deployment) printStatus(out io.Writer, s *deploy.Status, format string) error {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(out, "%-12s %s\n", name+":", fmt.Sprintf(format, args...))
	}
	line("Target", "%s, %s, %s", s.Target, s.Location, s.Runtime)
	for _, c := range s.Certificates {
		line("Certificate", "%s, until %s%s", c.Name, c.Expires.UTC().Format(time.DateOnly), renewal(c, time.Now()))
	}
	if s.Revision == 0 {
		line("Release", "%s, %s", s.Release, s.State)
		return nil
	}
	printRevision(line, s)
	if len(s.Instances) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	return d.printInstances(out, s.Instances, format)
}

// printRevision prints what is installed.
func printRevision(line func(name, format string, args ...any), s *deploy.Status) {
	line("Release", "%s, revision %d, %s", s.Release, s.Revision, s.State)
	line("Version", "%s, image %s", s.Version, s.Image)
	if len(s.Digests) > 0 {
		line("Digests", "%s", strings.Join(s.Digests, ", "))
	}
	replicas := fmt.Sprintf("%d/%d ready", s.Replicas.Ready, s.Replicas.Desired)
	if s.Autoscaler != "" {
		replicas += ", autoscaler: " + s.Autoscaler
	}
	line("Replicas", "%s", replicas)
	line("Rolled out", "%s: %s", s.LastRollOut.UTC().Format(time.RFC3339), s.Description)
	if s.LockedBy != "" {
		line("Locked by", "%s", s.LockedBy)
	}
}

// expiresSoon is how long before its end a certificate of K3s is shown as one to renew. K3s renews it at a start in the last 120 days.
const expiresSoon = 30 * 24 * time.Hour

// renewal is what to do about a certificate that expires soon.
func renewal(c deploy.Certificate, now time.Time) string {
	if c.Expires.Sub(now) > expiresSoon {
		return ""
	}
	return ": restart K3s on the host, which renews it, then run `integrationctl deploy setup k3s`, which copies the kubeconfig"
}

func (d *deployment) printInstances(out io.Writer, instances []deploy.Instance, format string) error {
	var text strings.Builder
	if err := printTable(&text, instanceTable(instances, format)); err != nil {
		return err
	}
	shown := text.String()
	if printers.IsTerminal(d.streams.Out) && os.Getenv("NO_COLOR") == "" { // the convention of no-color.org
		shown = colored(shown, instances)
	}
	_, err := io.WriteString(out, shown)
	return err
}

func instanceTable(instances []deploy.Instance, format string) *metav1.Table {
	wide := format == "wide"
	names := []string{"Pod", "Ready", "State", "Restarts", "Age", "Node"}
	if wide {
		names = append(names, "Address", "Image")
	}
	table := newTable(names...)
	for i := range instances {
		one, age := &instances[i], "-"
		if one.Started != nil {
			age = duration.HumanDuration(time.Since(*one.Started))
		}
		cells := []any{one.Name, one.Ready, one.State, one.Restarts, age, one.Node}
		if wide {
			cells = append(cells, one.Address, one.Image)
		}
		table.Rows = append(table.Rows, metav1.TableRow{Cells: cells})
	}
	return table
}

// The colours of a pod's state.
const (
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	red    = "\x1b[31m"
	plain  = "\x1b[0m"
)

// colored colours the states in a table of pods. The printer would escape colours in cells.
func colored(table string, instances []deploy.Instance) string {
	lines := strings.SplitAfter(table, "\n")
	for i := range instances {
		state := instances[i].State
		lines[i+1] = strings.Replace(lines[i+1], " "+state+" ", " "+colorOf(state)+state+plain+" ", 1)
	}
	return strings.Join(lines, "")
}

func colorOf(state string) string {
	switch state {
	case "Running", "Completed":
		return green
	case "Pending", "ContainerCreating", "PodInitializing", "Terminating":
		return yellow
	}
	return red
}
