package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func newOrphansCommand(cluster *clusterFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "orphans",
		Short: "List the workspaces that the workspace service does not list",
		Long: `List the workspaces that were not in the workspace service's last complete listing, and since when.

They are kept as they are. Delete one at the workspace service, or send workspace.deleted for it, if it is to go.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return listOrphans(c, cluster) },
	}
}

func listOrphans(c *cobra.Command, cluster *clusterFlags) error {
	kube, err := cluster.client()
	if err != nil {
		return err
	}
	var all v1alpha1.WorkspaceList
	if err := kube.List(c.Context(), &all); err != nil {
		return fmt.Errorf("listing Workspaces: %w", err)
	}
	const gap = 3
	table := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, gap, ' ', 0)
	fmt.Fprintln(table, "WORKSPACE\tSTATE\tVERSION\tOWNER\tORPHANED")
	for i := range all.Items {
		w := &all.Items[i]
		orphaned := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionOrphaned)
		if orphaned == nil || orphaned.Status != metav1.ConditionTrue {
			continue
		}
		since := duration.HumanDuration(time.Since(orphaned.LastTransitionTime.Time))
		version := max(w.Spec.Version, w.Spec.StateVersion)
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\n", w.Name, w.Spec.State, version, w.Spec.Owner, since)
	}
	return table.Flush()
}
