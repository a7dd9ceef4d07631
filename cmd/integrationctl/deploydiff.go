package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

func newDeployDiff(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "diff [TARGET]",
		Short: "Show what up would change",
		Long: `Compare what the installed revision applied, what "deploy up" would apply, and what the cluster has, in a dry run by the
API server. So it also shows what somebody has changed by hand. Values of Secrets are hidden. The exit code is 2 if there
are differences.`,
		Example: `  integrationctl deploy diff k8s -f values.yaml
  integrationctl deploy diff --profile production.yaml`,
	}
	d := newDeployment(streams, c)
	d.valueFlags(c)
	d.upHostFlags(c)
	d.upFlyFlags(c)
	d.upDockerFlags(c)
	c.RunE = withTarget(d, d.diff)
	return c
}

func (d *deployment) diff(c *cobra.Command, differ deploy.Differ, _ []string) error {
	differs, err := differ.Diff(c.Context(), d.streams.Out)
	switch {
	case err != nil:
		return asDeployError(c.Context(), err)
	case differs:
		return &codedError{code: exitDifferences}
	}
	fmt.Fprintln(d.streams.ErrOut, "No differences.")
	return nil
}
