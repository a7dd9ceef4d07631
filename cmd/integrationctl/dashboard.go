package main

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
)

const dashboardPort = 8090

// dashboard is the command "dashboard".
type dashboard struct {
	streams  genericiooptions.IOStreams
	cluster  *cluster
	settings settingsFlags
	port     uint16
	stay     bool
}

func newDashboardCommand(streams genericiooptions.IOStreams) *cobra.Command {
	d := &dashboard{streams: streams}
	c := &cobra.Command{
		Use:   "dashboard",
		Short: "Open the service's web page, through a port-forward",
		Long: `Forward a port on loopback to a pod of the service, print the URL of its page, and open it in a browser if standard output
is a terminal. It ends at Ctrl-C. The page asks for a Kubernetes token, unless API_AUTH is none.`,
		Example: `  integrationctl dashboard
  integrationctl dashboard --port 0 --no-browser`,
		Args: cobra.NoArgs,
		RunE: d.run,
	}
	d.cluster = newCluster(c)
	d.settings.register(c)
	c.Flags().Uint16Var(&d.port, "port", dashboardPort, "local `port`; 0 is any free one")
	c.Flags().BoolVar(&d.stay, "no-browser", false, "print the URL only")
	return c
}

func (d *dashboard) run(c *cobra.Command, _ []string) error {
	ctx := c.Context()
	kube, err := d.cluster.client()
	if err != nil {
		return err
	}
	to, err := d.cluster.forward(ctx, kube, d.settings, d.port)
	if err != nil {
		return err
	}
	defer to.close()
	fmt.Fprintln(d.streams.Out, to.url+"/")
	fmt.Fprintf(d.streams.ErrOut, "Forwarding to pod %s until Ctrl-C. To sign in: kubectl create token ACCOUNT\n", to.pod)
	if !d.stay && printers.IsTerminal(d.streams.Out) {
		d.open(ctx, to.url+"/")
	}
	return to.wait(ctx)
}

// open shows a URL in the user's browser. Without one, the printed URL is enough.
func (d *dashboard) open(ctx context.Context, url string) {
	command := map[string][]string{"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"}}[runtime.GOOS]
	if command == nil {
		command = []string{"xdg-open"}
	}
	if err := exec.CommandContext(ctx, command[0], append(command[1:], url)...).Start(); err != nil { //nolint:gosec // our own URL
		fmt.Fprintln(d.streams.ErrOut, "No browser was found: open the URL yourself.")
	}
}
