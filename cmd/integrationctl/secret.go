package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

func newSecretCommand() *cobra.Command {
	secret := &cobra.Command{
		Use:   "secret",
		Short: "Make and identify webhook secrets",
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
	secret.AddCommand(&cobra.Command{
		Use:   "fingerprint",
		Short: "Print the fingerprints of the webhook secrets on standard input",
		Long: `Print the fingerprints of the webhook secrets on standard input, separated by white space: the whsec_… before the whpk_….

The metric workspace_flyte_webhook_keys and the log of each replica show the fingerprints of the keys that it accepts.`,
		Example: `  kubectl -n platform-services get secret workspace-integration-secrets -o jsonpath='{.data.webhook-secret}' |
    base64 -d | integrationctl secret fingerprint`,
		Args: cobra.NoArgs,
		RunE: printFingerprints,
	})
	return secret
}

// maxSecrets bounds what is read, in bytes.
const maxSecrets = 64 << 10

func printFingerprints(c *cobra.Command, _ []string) error {
	text, err := io.ReadAll(io.LimitReader(c.InOrStdin(), maxSecrets))
	if err != nil {
		return fmt.Errorf("reading standard input: %w", err)
	}
	keys, err := signature.ParseKeys(string(text))
	if err != nil {
		return fmt.Errorf("reading the secrets on standard input: %w", err)
	}
	for _, fingerprint := range keys.Fingerprints() {
		if _, err := fmt.Fprintln(c.OutOrStdout(), fingerprint); err != nil {
			return err
		}
	}
	return nil
}
