// Command devcluster runs the control plane for development and tests: `devcluster up` starts it with a FlyteAdmin double, `devcluster
// run` starts the service, too.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/klog/v2"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"platform.company.com/workspace-flyte-integration/devcluster/node"
)

const usage = `Usage:
  devcluster up --dir DIR [--flyte HOST:PORT]    run control plane and Flyte double until Ctrl-C
    [--node]                                     and a real node, on which pods run (needs root on Linux)
  devcluster schemas --dir DIR [--crds PATTERN]  write JSON Schemas of that Kubernetes, or of CRDs
  devcluster run [--once]                        run them and the service from bin/, send three webhooks, show the workspaces;
                                                 RUN_PORT, RUN_WORKSPACE_SERVICE_PORT, RUN_METRICS_PORT, RUN_KUBERNETES_PORT
                                                 and RUN_FLYTE_PORT choose ports, 0 is any free port
    [--node]                                     run the service in pods on a real node (needs root on Linux)
  devcluster flyte --listen HOST:PORT            run the Flyte double alone

The cache is $WFI_CACHE_DIR, or workspace-flyte-integration in the user's cache directory.
`

var errUsage = errors.New("unknown command")

func main() {
	node.RunChild()
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	// Without a logger, controller-runtime prints a stack trace when it logs after half a minute.
	ctrllog.SetLogger(klog.Background())
	err := run(ctx, os.Args[1:])
	interrupted := ctx.Err() != nil
	cancel()
	switch {
	case err != nil && interrupted:
		fmt.Fprintln(os.Stderr, "devcluster: interrupted; all processes have ended")
		os.Exit(130)
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(usage)
	case errors.Is(err, errUsage):
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "devcluster:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	switch args[0] {
	case "up":
		return up(ctx, args[1:])
	case "flyte":
		return serveFlyte(ctx, args[1:])
	case "schemas":
		return writeSchemas(ctx, args[1:])
	case "run":
		return runService(ctx, args[1:])
	case "help", "-h", "--help":
		return flag.ErrHelp
	default:
		return fmt.Errorf("%w: %s", errUsage, args[0])
	}
}

// newFlags returns a flag set for parse.
func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.Usage = func() {}
	return flags
}

func parse(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage // the flag package has printed it
	}
	if flags.NArg() > 0 {
		return errUsage
	}
	return nil
}
