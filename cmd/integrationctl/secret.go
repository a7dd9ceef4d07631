package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

func newSecretCommand() *cobra.Command {
	secret := &cobra.Command{
		Use:   "secret",
		Short: "Create and identify webhook secrets",
	}
	secret.AddCommand(newSecretNewCommand(), newSecretFingerprintCommand())
	return secret
}

func newSecretNewCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "new",
		Short:   "Print a new webhook secret (whsec_…, 32 random bytes)",
		Example: `  integrationctl secret new > webhook.secret`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), signature.NewSecret()) // c.Println would write to standard error
			return err
		},
	}
}

func newSecretFingerprintCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "fingerprint",
		Short: "Print the fingerprints of the webhook secrets on standard input",
		Long: `Print the fingerprints of the webhook secrets on standard input, separated by white space: the whsec_… before the whpk_….

The metric workspace_flyte_webhook_keys and the log of each replica show the fingerprints of the keys that it accepts.`,
		Example: `  kubectl -n platform-services get secret workspace-integration-secrets -o jsonpath='{.data.webhook-secret}' |
    base64 -d | integrationctl secret fingerprint`,
		Args: cobra.NoArgs,
		RunE: printFingerprints,
	}
}

// maxSecrets bounds what is read of standard input, in bytes.
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

// secretText reads a secret from the file, or from the environment variable if no file is given.
func secretText(file, flag, variable string) (string, error) {
	text := os.Getenv(variable)
	if file != "" {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("reading the secret (see --%s): %w", flag, err)
		}
		text = string(content)
	}
	if strings.TrimSpace(text) == "" {
		return "", usagef("no secret: give --%s or set %s", flag, variable)
	}
	return text, nil
}

// newSigner makes a signer of what secretText reads.
func newSigner(file, flag, variable string) (*signature.Signer, error) {
	text, err := secretText(file, flag, variable)
	if err != nil {
		return nil, err
	}
	signer, err := signature.NewSigner(text)
	if err != nil {
		return nil, fmt.Errorf("reading the secret (--%s or %s): %w", flag, variable, err)
	}
	return signer, nil
}
