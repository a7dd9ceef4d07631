// Command integrationctl is the operator's command line for workspace-flyte-integration. As kubectl-workspace it is a plugin of kubectl.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
)

// version is set by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	// Without a logger, controller-runtime prints a stack trace when it wants to log after half a minute.
	ctrllog.SetLogger(klog.Background())
	name, args := invokedAs(os.Args)
	root := newCommand(name, genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr})
	root.SetArgs(args)
	code := exitCode(ctx, root.ExecuteContext(ctx), func(text string) { fmt.Fprintf(os.Stderr, "%s: %s\n", root.DisplayName(), text) })
	stop()
	os.Exit(code)
}
