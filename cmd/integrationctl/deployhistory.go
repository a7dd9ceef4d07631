package main

import (
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

func newDeployHistory(streams genericiooptions.IOStreams) *cobra.Command {
	columns := []string{"Revision", "Updated", "State", "Worked", "Version", "Image", "Description"}
	return lists(streams, deploy.Historian.History, columns, func(r *deploy.Revision) []any {
		return []any{r.Number, r.Updated.UTC().Format(time.RFC3339), r.State, r.Worked, r.Version, r.Image, r.Description}
	}, &cobra.Command{
		Use:   "history [TARGET]",
		Short: "List revisions: who deployed what, why, and whether it worked",
		Example: `  integrationctl deploy history k8s
  integrationctl deploy history k8s -o json`,
	})
}
