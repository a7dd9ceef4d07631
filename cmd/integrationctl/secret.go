package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

func newSecretCommand() *cobra.Command {
	secret := &cobra.Command{
		Use:   "secret",
		Short: "Make webhook secrets",
		Args:  cobra.NoArgs, // cobra looks at it only where there is something to run
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	secret.AddCommand(&cobra.Command{
		Use:   "new",
		Short: "Print a new webhook secret (whsec_…, 32 random bytes)",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), signature.NewSecret()) // c.Println would write to standard error
			return err
		},
	})
	return secret
}
