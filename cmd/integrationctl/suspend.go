package main

import (
	"errors"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

var errIsDeleted = errors.New("is deleted: restore it first, or use restore --suspended")

// newSuspendCommand makes the command "suspend".
func newSuspendCommand(streams genericiooptions.IOStreams) *cobra.Command {
	s := &stateChange{streams: streams, done: "suspended", goal: "suspended", state: func(w *v1alpha1.Workspace) (v1alpha1.State, error) {
		if w.Spec.State == v1alpha1.StateDeleted {
			return "", errIsDeleted
		}
		return v1alpha1.StateSuspended, nil
	}}
	c := &cobra.Command{
		Use:   "suspend ID...",
		Short: "Suspend workspaces: read-only access, no new executions, everything kept",
		Long: `Set the state of workspaces to Suspended, as workspace.suspended does. Members keep read-only access, the Flyte project is
archived, running pods finish, and everything is kept.

` + overrideHelp,
		Example: `  integrationctl suspend ws-001 --wait
  integrationctl suspend ws-001 --dry-run=server -o yaml`,
		RunE: s.run,
	}
	s.register(c)
	return c
}

const overrideHelp = `The next newer event of the workspace service overrides the change.`
