package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

func newDeployRollback(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "rollback [TARGET] [REVISION]",
		Short: "Return to an earlier revision",
		Long: `Return to a revision of "deploy history", by default to the newest earlier one that worked. Objects that later revisions
added are deleted. CRDs stay as they are. If the replicas do not get ready, the newest revision that worked is restored.`,
		Example: `  integrationctl deploy rollback k8s
  integrationctl deploy rollback k8s 3 --reason "errors since revision 4" --yes`,
		Args: deployArgs(1),
	}
	d := newDeployment(streams, c)
	d.changeFlags(c)
	d.reasonFlag(c)
	d.rollOutFlags(c)
	c.RunE = withTarget(d, d.rollback)
	return c
}

func (d *deployment) rollback(c *cobra.Command, historian deploy.Historian, rest []string) error {
	revision := 0
	if len(rest) > 0 {
		var err error
		if revision, err = strconv.Atoi(rest[0]); err != nil || revision < 1 {
			return usagef("the revision must be a number of `%s history`, not %q", c.Parent().CommandPath(), rest[0])
		}
	}
	return d.change(c, historian, deploy.ActionRollback, strconv.Itoa(revision), func(ctx context.Context, steps *progress.Steps) error {
		return historian.Rollback(ctx, steps, revision)
	})
}
