package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// newOptionsCommand makes the command "options". Help shows only the usual flags of newCluster.
func newOptionsCommand(streams genericiooptions.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:     "options",
		Short:   "List all flags that choose the cluster and the user",
		Example: "  integrationctl options",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			newClusterFlags().AddFlags(flags)
			_, err := fmt.Fprintf(streams.Out, "Every command that reaches a cluster has these flags:\n\n%s", flags.FlagUsages())
			return err
		},
	}
}
