package main

import (
	"errors"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// newSuspendCommand makes the command "suspend".
func newSuspendCommand(streams genericiooptions.IOStreams) *cobra.Command {
	s := &stateChange{streams: streams, done: "suspended", goal: "suspended", state: unlessDeleted(v1alpha1.StateSuspended)}
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

// newResumeCommand makes the command "resume".
func newResumeCommand(streams genericiooptions.IOStreams) *cobra.Command {
	s := &stateChange{streams: streams, done: "resumed", goal: "ready", state: unlessDeleted(v1alpha1.StateActive)}
	c := &cobra.Command{
		Use:   "resume ID...",
		Short: "Resume suspended workspaces",
		Long: `Set the state of workspaces to Active, as workspace.resumed does.

` + overrideHelp,
		Example: `  integrationctl resume ws-001 --wait`,
		RunE:    s.run,
	}
	s.register(c)
	return c
}

// unlessDeleted returns a state for workspaces that are not deleted.
func unlessDeleted(to v1alpha1.State) func(*v1alpha1.Workspace) (v1alpha1.State, error) {
	return func(w *v1alpha1.Workspace) (v1alpha1.State, error) {
		if w.Spec.State == v1alpha1.StateDeleted {
			return "", errors.New("is deleted: restore it first, or use restore --suspended")
		}
		return to, nil
	}
}

const overrideHelp = `The next newer event of the workspace service overrides the change.`
