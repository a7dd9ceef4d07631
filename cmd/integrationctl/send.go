package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

const (
	sendTimeout = time.Minute
	maxAnswer   = 1 << 20
)

// sender is the command "send".
type sender struct {
	url, secretFile, id string
	dryRun, retry       bool
	event               eventFlags
}

func newSendCommand() *cobra.Command {
	s := &sender{}
	c := &cobra.Command{
		Use:   "send [flags]",
		Short: "Sign an event and post it as a webhook",
		Long: `Sign an event as Standard Webhooks 1.0.0 says and post it, as the workspace service does.

The event is made from flags, or read from a file (or from standard input, with -f -), byte for byte.
The secret comes from --secret-file or from the variable WORKSPACE_WEBHOOK_SECRET; of several, all sign.
The exit code is 0 if the answer is a 2xx.`,
		Example: `  integrationctl send --id ws-001 --version 1 --name "Fraud detection" --member Group:ml-team:editor
  integrationctl send --type workspace.suspended --id ws-001 --version 2
  integrationctl send --provision --id ws-002 --name "Forecasts"
  integrationctl send -f event.json --dry-run`,
		Args: cobra.NoArgs,
		RunE: s.run,
	}
	f := c.Flags()
	f.StringVar(&s.url, "url", "", "base `URL` of the service (default: $INTEGRATIONCTL_URL, or http://127.0.0.1:8080)")
	f.StringVar(&s.secretFile, "secret-file", "", "`file` with the webhook secret (default: $WORKSPACE_WEBHOOK_SECRET)")
	f.StringVar(&s.id, "webhook-id", "", "`id` of the message; the same id again is a redelivery (default: a new one)")
	f.BoolVar(&s.retry, "retry", false, "on 429 and 503, send again after Retry-After, for a minute at most")
	f.BoolVar(&s.dryRun, "dry-run", false, "print the request and send nothing")
	s.event.register(f)
	return c
}

func (s *sender) run(c *cobra.Command, _ []string) error {
	body, err := s.event.body(c.Flags(), c.InOrStdin())
	if err != nil {
		return err
	}
	signer, err := newSigner(s.secretFile, "secret-file", "WORKSPACE_WEBHOOK_SECRET")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context(), sendTimeout)
	defer cancel()
	if s.id == "" {
		s.id = "msg_" + rand.Text()
	}
	if !signature.ValidID(s.id) {
		return errors.New("--webhook-id must be 1 to 128 printable ASCII characters without white space and full stop")
	}
	return s.send(ctx, c.OutOrStdout(), signer, body)
}

// send posts the body; with --retry, it posts it again after each Retry-After.
func (s *sender) send(ctx context.Context, out io.Writer, signer *signature.Signer, body []byte) error {
	for {
		request, err := s.request(ctx, signer, body)
		if err != nil {
			return err
		}
		if s.dryRun {
			return printRequest(out, request, body)
		}
		retryAfter, err := post(out, request)
		if retryAfter <= 0 || !s.retry {
			return err
		}
		select {
		case <-time.After(retryAfter):
		case <-ctx.Done():
			return err
		}
	}
}

func (s *sender) request(ctx context.Context, signer *signature.Signer, body []byte) (*http.Request, error) {
	path := "/webhooks/workspace"
	if s.event.provision {
		path = "/provision"
	}
	base := strings.TrimRight(cmp.Or(s.url, os.Getenv("INTEGRATIONCTL_URL"), "http://127.0.0.1:8080"), "/")
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, bytes.NewReader(body)) //nolint:gosec // the user's own URL
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	request.Header = signer.Sign(s.id, time.Now(), body)
	request.Header.Set("Content-Type", "application/json")
	return request, nil
}

func printRequest(out io.Writer, r *http.Request, body []byte) error {
	fmt.Fprintf(out, "POST %s\n", r.URL)
	for _, name := range []string{"Content-Type", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
		fmt.Fprintf(out, "%s: %s\n", strings.ToLower(name), r.Header.Get(name))
	}
	_, err := fmt.Fprintf(out, "\n%s\n", body)
	return err
}

// post sends the request and prints the answer. retryAfter is the Retry-After of an error, zero without one.
func post(out io.Writer, r *http.Request) (retryAfter time.Duration, err error) {
	// A signed request is for the given address, and for no other.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		return 0, fmt.Errorf("sending: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return 0, fmt.Errorf("reading the answer: %w", err)
	}
	fmt.Fprintf(out, "%s\n%s\n", answer.Status, bytes.TrimSpace(text))
	if answer.StatusCode < http.StatusMultipleChoices {
		return 0, nil
	}
	seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After")) // absent: zero
	return time.Duration(seconds) * time.Second, fmt.Errorf("the service answered %s", answer.Status)
}
