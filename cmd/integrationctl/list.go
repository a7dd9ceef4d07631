package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// lister is the command "workspaces list".
type lister struct {
	cluster *clusterFlags
	deleted bool
}

func newListCommand(cluster *clusterFlags) *cobra.Command {
	l := &lister{cluster: cluster}
	c := &cobra.Command{
		Use:   "list",
		Short: "List the workspaces, and when the namespaces of deleted ones are removed",
		Args:  cobra.NoArgs,
		RunE:  l.run,
	}
	c.Flags().BoolVar(&l.deleted, "deleted", false, "only those whose state is Deleted")
	return c
}

func (l *lister) run(c *cobra.Command, _ []string) error {
	all, err := l.cluster.workspaces(c.Context())
	if err != nil {
		return err
	}
	return l.print(c.OutOrStdout(), all, time.Now())
}

func (l *lister) print(out io.Writer, workspaces []v1alpha1.Workspace, now time.Time) error {
	table := newTable(out, "WORKSPACE", "TIER", "STATE", "READY", "REASON", "AGE", "REMOVAL")
	for i := range workspaces {
		w := &workspaces[i]
		if l.deleted && w.Spec.State != v1alpha1.StateDeleted {
			continue
		}
		ready := w.ReadyCondition()
		age := duration.HumanDuration(now.Sub(w.CreationTimestamp.Time))
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			w.Name, w.Spec.Tier, w.Spec.State, ready.Status, ready.Reason, age, removal(w.Status.Deletion, now))
	}
	return table.Flush()
}

// removal says what a deletion removes, and when.
func removal(d *v1alpha1.WorkspaceDeletion, now time.Time) string {
	switch {
	case d == nil:
		return ""
	case d.ExpiresAt != nil:
		return "done; forgotten " + until(d.ExpiresAt, now)
	case d.PurgeStartedAt != nil:
		return "under way for " + duration.HumanDuration(now.Sub(d.PurgeStartedAt.Time))
	case d.PurgeAt != nil:
		return until(d.PurgeAt, now)
	}
	return "never"
}

func until(t *metav1.Time, now time.Time) string {
	if !t.After(now) {
		return "due"
	}
	return "in " + duration.HumanDuration(t.Sub(now))
}
