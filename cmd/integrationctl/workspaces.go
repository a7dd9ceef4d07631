package main

import (
	"github.com/spf13/cobra"
)

func newWorkspacesCommand() *cobra.Command {
	cluster := &clusterFlags{}
	c := &cobra.Command{
		Use:     "workspaces",
		Aliases: []string{"workspace", "ws"},
		Short:   "List the workspaces of a cluster, and restore deleted ones",
		Args:    cobra.NoArgs, // cobra checks it only for a command with RunE
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cluster.register(c.PersistentFlags())
	c.AddCommand(newListCommand(cluster), newUnlistedCommand(cluster), newRestoreCommand(cluster))
	return c
}
