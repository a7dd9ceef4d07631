package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// restorer is the command "restore".
type restorer struct {
	stateChange

	suspended bool
}

func newRestoreCommand(streams genericiooptions.IOStreams) *cobra.Command {
	r := &restorer{stateChange: stateChange{streams: streams, done: "restored", goal: "ready"}}
	r.state = r.restored
	c := &cobra.Command{
		Use:   "restore ID...",
		Short: "Restore deleted workspaces",
		Long: `Set the state of deleted workspaces to Active, as a newer workspace.created would.

Until the removal of its namespaces begins, a workspace is restored with everything in them. Later, its namespaces are
created again, empty; the command says which.

` + overrideHelp,
		Example: `  integrationctl restore ws-001 --wait
  integrationctl restore ws-001 ws-002 --suspended`,
		RunE: r.run,
	}
	r.register(c)
	c.Flags().BoolVar(&r.suspended, "suspended", false, "restore them suspended: everything is kept, members have read-only access")
	return c
}

func (r *restorer) restored(w *v1alpha1.Workspace) (v1alpha1.State, error) {
	if w.Spec.State != v1alpha1.StateDeleted {
		return "", fmt.Errorf("is not deleted: its state is %s", w.Spec.State)
	}
	kept := "with everything in its namespaces"
	if d := w.Status.Deletion; d != nil && d.PurgeStartedAt != nil {
		kept = "and its namespaces are created again, empty"
	}
	fmt.Fprintf(r.streams.ErrOut, "%s is restored %s.\n", w.Name, kept)
	if r.suspended {
		r.goal = "suspended"
		return v1alpha1.StateSuspended, nil
	}
	return v1alpha1.StateActive, nil
}
