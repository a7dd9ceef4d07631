package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func newUnlistedCommand(cluster *clusterFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "unlisted",
		Short: "List the workspaces that the workspace service does not list",
		Long: `List the workspaces that the last complete listing of the workspace service lacks, and since when.

They are kept. To remove one, delete it at the workspace service, or send workspace.deleted for it.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return listUnlisted(c, cluster) },
	}
}

func listUnlisted(c *cobra.Command, cluster *clusterFlags) error {
	all, err := cluster.workspaces(c.Context())
	if err != nil {
		return err
	}
	table := newTable(c.OutOrStdout(), "WORKSPACE", "STATE", "VERSION", "OWNER", "UNLISTED")
	for i := range all {
		w := &all[i]
		unlisted := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionUnlisted)
		if unlisted == nil || unlisted.Status != metav1.ConditionTrue {
			continue
		}
		since := duration.HumanDuration(time.Since(unlisted.LastTransitionTime.Time))
		version := max(w.Spec.Version, w.Spec.StateVersion)
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\n", w.Name, w.Spec.State, version, w.Spec.Owner, since)
	}
	return table.Flush()
}
