package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// restorer is the command "workspaces restore".
type restorer struct {
	cluster   *clusterFlags
	suspended bool
}

func newRestoreCommand(cluster *clusterFlags) *cobra.Command {
	r := &restorer{cluster: cluster}
	c := &cobra.Command{
		Use:   "restore ID...",
		Short: "Restore deleted workspaces",
		Long: `Set the state of deleted workspaces to Active, as a newer workspace.created would.

Until the removal of its namespaces begins, a workspace is restored with everything in them. Later, its namespaces are
created again, empty. The next newer event of the workspace service overrides the restoration.`,
		Example: `  integrationctl workspaces restore ws-001
  integrationctl workspaces restore ws-001 ws-002 --suspended`,
		Args: cobra.MinimumNArgs(1),
		RunE: r.run,
	}
	c.Flags().BoolVar(&r.suspended, "suspended", false, "restore them suspended: everything is kept, members have read-only access")
	return c
}

func (r *restorer) run(c *cobra.Command, ids []string) error {
	kube, err := r.cluster.client()
	if err != nil {
		return err
	}
	errs := make([]error, len(ids))
	for i, id := range ids {
		errs[i] = r.restore(c.Context(), kube, c.OutOrStdout(), id)
	}
	return errors.Join(errs...)
}

// restore is guarded by resourceVersion: it cancels the deletion that it has read, and no later one.
func (r *restorer) restore(ctx context.Context, kube client.Client, out io.Writer, id string) error {
	var w v1alpha1.Workspace
	if err := kube.Get(ctx, client.ObjectKey{Name: id}, &w); err != nil {
		return fmt.Errorf("restoring workspace %q: %w", id, err)
	}
	if w.Spec.State != v1alpha1.StateDeleted {
		return fmt.Errorf("restoring workspace %q: its state is %s, not Deleted", id, w.Spec.State)
	}
	before := w.DeepCopy()
	w.Spec.State = v1alpha1.StateActive
	if r.suspended {
		w.Spec.State = v1alpha1.StateSuspended
	}
	if err := kube.Patch(ctx, &w, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("restoring workspace %q: %w", id, err)
	}
	result := "restored with everything in its namespaces"
	if d := before.Status.Deletion; d != nil && d.PurgeStartedAt != nil {
		result = "restored; its namespaces are created again, empty"
	}
	_, err := fmt.Fprintf(out, "workspace %s: %s\n", id, result)
	return err
}
