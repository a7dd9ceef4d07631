package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// deleter is the command "delete".
type deleter struct {
	stateChange

	settings settingsFlags
	yes      bool
}

func newDeleteCommand(streams genericiooptions.IOStreams) *cobra.Command {
	d := &deleter{stateChange: stateChange{streams: streams, done: "deleted", goal: "deleted", state: unlessDeletedAlready}}
	c := &cobra.Command{
		Use:   "delete ID...",
		Short: "Delete workspaces; says first what is destroyed when",
		Long: `Set the state of workspaces to Deleted, as workspace.deleted does: members have read-only access and the Flyte project is
archived at once. With DELETION_POLICY Delete, the namespaces are destroyed after DELETION_GRACE_PERIOD; with Archive,
they are kept. The command says which, and asks on a terminal; elsewhere it needs --yes.

It never deletes the Workspace object itself. ` + overrideHelp,
		Example: `  integrationctl delete ws-001
  integrationctl delete ws-001 --yes --wait`,
		RunE: d.run,
	}
	d.register(c)
	d.settings.register(c)
	c.Flags().BoolVarP(&d.yes, "yes", "y", false, "do not ask")
	return c
}

func unlessDeletedAlready(w *v1alpha1.Workspace) (v1alpha1.State, error) {
	if w.Spec.State == v1alpha1.StateDeleted {
		return "", errors.New("is deleted already: its removal is " + removal(w.Status.Deletion, time.Now()))
	}
	return v1alpha1.StateDeleted, nil
}

func (d *deleter) run(c *cobra.Command, ids []string) error {
	if err := d.check(); err != nil {
		return err
	}
	if d.dryRun == "none" && !d.yes && !printers.IsTerminal(d.streams.In) {
		return usagef("standard input is no terminal to ask on: give --yes to delete %s", strings.Join(ids, ", "))
	}
	kube, err := d.cluster.client()
	if err != nil {
		return err
	}
	if err := d.announce(c.Context(), kube, ids); err != nil {
		return err
	}
	if d.dryRun == "none" && !d.yes && !confirmed(c.Context(), d.streams, "Delete "+strings.Join(ids, ", ")+"?") {
		return &codedError{exitError, "nothing was deleted"}
	}
	return d.changeAll(c.Context(), kube, ids)
}

// announce says on standard error what the deletions destroy.
func (d *deleter) announce(ctx context.Context, kube client.Client, ids []string) error {
	when := d.consequence(ctx, kube)
	for _, id := range ids {
		w, err := d.cluster.workspace(ctx, kube, id)
		if err != nil {
			return err
		}
		namespaces := strings.Join(w.Status.Namespaces, ", ")
		if namespaces == "" {
			namespaces = "it has no namespaces"
		}
		fmt.Fprintf(d.streams.ErrOut, "%s: members lose all but read-only access, and its Flyte project is archived, at once.\n  %s: %s.\n",
			id, namespaces, when)
	}
	return nil
}

// consequence says what happens to the namespaces, by the settings of the service.
func (d *deleter) consequence(ctx context.Context, kube client.Client) string {
	settings, err := d.settings.read(ctx, kube)
	if err != nil {
		return "destroyed after DELETION_GRACE_PERIOD if the service's DELETION_POLICY is Delete (" + err.Error() + ")"
	}
	if settings["DELETION_POLICY"] != string(v1alpha1.DeletionDelete) {
		return "kept, since DELETION_POLICY is " + settings["DELETION_POLICY"]
	}
	grace, err := time.ParseDuration(settings["DELETION_GRACE_PERIOD"])
	if err != nil {
		return "destroyed with everything in them after " + settings["DELETION_GRACE_PERIOD"]
	}
	at := time.Now().Add(grace).UTC().Truncate(time.Minute).Format("2006-01-02 15:04 MST")
	return fmt.Sprintf("destroyed with everything in them after %s, at %s; restore brings them back until then",
		settings["DELETION_GRACE_PERIOD"], at)
}
