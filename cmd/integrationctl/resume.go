package main

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// newResumeCommand makes the command "resume".
func newResumeCommand(streams genericiooptions.IOStreams) *cobra.Command {
	s := &stateChange{streams: streams, done: "resumed", goal: "ready", state: func(w *v1alpha1.Workspace) (v1alpha1.State, error) {
		if w.Spec.State == v1alpha1.StateDeleted {
			return "", errIsDeleted
		}
		return v1alpha1.StateActive, nil
	}}
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
