// Command integrationctl is the operator's command line for workspace-flyte-integration.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
)

// version is set by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Without a logger, controller-runtime prints a stack trace when it wants to log after half a minute.
	ctrllog.SetLogger(klog.Background())
	err := newCommand().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "integrationctl:", err)
		os.Exit(1)
	}
}

func newCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "integrationctl",
		Short:         "Operate workspace-flyte-integration",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newSendCommand(), newSecretCommand(), newWorkspacesCommand(), newSyncCommand(), newWorkspaceServiceCommand())
	return root
}
