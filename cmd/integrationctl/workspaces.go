package main

import (
	"github.com/spf13/cobra"
)

func newWorkspacesCommand() *cobra.Command {
	cluster := &clusterFlags{}
	c := &cobra.Command{
		Use:     "workspaces",
		Aliases: []string{"workspace", "ws"},
		Short:   "Look at the workspaces of a cluster, and restore deleted ones",
		Args:    cobra.NoArgs, // cobra looks at it only where there is something to run
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cluster.register(c.PersistentFlags())
	c.AddCommand(newListCommand(cluster), newUnlistedCommand(cluster), newRestoreCommand(cluster))
	return c
}
