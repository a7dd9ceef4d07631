package main

import (
	"github.com/spf13/cobra"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

func newSecretCommand() *cobra.Command {
	secret := &cobra.Command{Use: "secret", Short: "Make webhook secrets"}
	secret.AddCommand(&cobra.Command{
		Use:   "new",
		Short: "Print a new webhook secret (whsec_…, 32 random bytes)",
		Args:  cobra.NoArgs,
		Run:   func(c *cobra.Command, _ []string) { c.Println(signature.NewSecret()) },
	})
	return secret
}
