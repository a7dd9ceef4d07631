package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

const (
	sendTimeout   = time.Minute
	webhookPath   = "/webhooks/workspace"
	provisionPath = "/provision"
)

// sender is the command "send".
type sender struct {
	streams             genericiooptions.IOStreams
	cluster             *cluster
	url, secretFile, id string
	dryRun, retry, wait bool
	timeout             time.Duration
	event               eventFlags
}

func newSendCommand(streams genericiooptions.IOStreams) *cobra.Command {
	s := &sender{streams: streams}
	c := &cobra.Command{
		Use:   "send [flags]",
		Short: "Sign an event and post it as a webhook",
		Long: `Sign an event as Standard Webhooks 1.0.0 says and post it, as the workspace service does.

The event is made from flags, or read from a file (or from standard input, with -f -), byte for byte.
The secret comes from --secret-file or from the variable WORKSPACE_WEBHOOK_SECRET; of several, all sign.

The body of the answer is on standard output, its status on standard error. The exit code is 0 if the answer is a 2xx
other than "ignored", which is for an event type that the service does not know.`,
		Example: `  integrationctl send --id ws-001 --version 1 --name "Fraud detection" --member Group:ml-team:editor --wait
  integrationctl send --type workspace.suspended --id ws-001 --version 2
  integrationctl send --provision --id ws-002 --name "Forecasts"
  integrationctl send -f event.json --dry-run`,
		Args: cobra.NoArgs,
		RunE: s.run,
	}
	s.register(c)
	return c
}

func (s *sender) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.url, "url", "",
		"`URL` of the service, or of its route (default: $INTEGRATIONCTL_URL, or http://127.0.0.1:8080)")
	f.StringVar(&s.secretFile, "secret-file", "", "`file` with the webhook secret (default: $WORKSPACE_WEBHOOK_SECRET)")
	f.StringVar(&s.id, "webhook-id", "", "`id` of the message; the same id again is a redelivery (default: a new one)")
	f.BoolVar(&s.retry, "retry", false, "on 429 and 503, send again after Retry-After, for a minute at most")
	f.BoolVar(&s.dryRun, "dry-run", false, "print the request and send nothing")
	f.BoolVar(&s.wait, "wait", false, "wait in the cluster of the kubeconfig until the event has taken effect")
	f.DurationVar(&s.timeout, "timeout", waitTimeout, "how long --wait waits")
	s.event.register(c)
	s.cluster = newCluster(c)
}

func (s *sender) run(c *cobra.Command, _ []string) error {
	body, err := s.event.body(c.Flags(), s.streams.In)
	if err != nil {
		return err
	}
	d, err := s.delivery(body)
	if err != nil {
		return err
	}
	if s.dryRun {
		return d.show(c.Context())
	}
	if err := s.deliver(c.Context(), d); err != nil || !s.wait {
		return err
	}
	return s.await(c.Context(), body)
}

// delivery is that of a body to the route, signed with the secret.
func (s *sender) delivery(body []byte) (*delivery, error) {
	target, err := s.target()
	if err != nil {
		return nil, err
	}
	signer, err := newSigner(s.secretFile, "secret-file", "WORKSPACE_WEBHOOK_SECRET")
	if err != nil {
		return nil, err
	}
	if s.id == "" {
		s.id = "msg_" + rand.Text()
	}
	if !signature.ValidID(s.id) {
		return nil, usagef("--webhook-id must be 1 to 128 printable ASCII characters without white space and full stop")
	}
	return &delivery{streams: s.streams, url: target, id: s.id, signer: signer, body: body}, nil
}

// target is the URL of the route. The user may give it, or the base URL of the service.
func (s *sender) target() (string, error) {
	path, other := webhookPath, provisionPath
	if s.event.provision {
		path, other = provisionPath, webhookPath
	}
	text := strings.TrimRight(cmp.Or(s.url, os.Getenv("INTEGRATIONCTL_URL"), "http://127.0.0.1:8080"), "/")
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Host == "", u.Scheme != "http" && u.Scheme != "https":
		return "", usagef("--url must be a URL such as https://integration.company.com, not %q", text)
	case strings.HasSuffix(u.Path, other):
		return "", usagef("--url %q is not where this event goes: that is %s", text, path)
	case strings.HasSuffix(u.Path, path):
		return text, nil
	}
	return text + path, nil
}

func (s *sender) deliver(ctx context.Context, d *delivery) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if s.event.provision {
		defer d.showWaiting(ctx)()
	}
	if s.retry {
		return d.sendWithRetries(ctx)
	}
	return d.send(ctx)
}

// await waits for what the event asks for.
func (s *sender) await(ctx context.Context, body []byte) error {
	kind, id := s.event.subject(body)
	goal := map[workspace.EventType]string{
		workspace.EventSuspended: "suspended", workspace.EventDeleted: "deleted", workspace.EventCreated: "ready",
		workspace.EventResumed: "ready", workspace.EventUpdated: goalCurrent,
	}[kind]
	if goal == "" || id == "" {
		return nil // a ping
	}
	kube, err := s.cluster.client()
	if err != nil {
		return err
	}
	return await(ctx, kube, s.streams.ErrOut, id, goal, s.timeout)
}

func printRequest(out io.Writer, r *http.Request, body []byte) error {
	fmt.Fprintf(out, "POST %s\n", r.URL)
	for _, name := range []string{"Content-Type", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
		fmt.Fprintf(out, "%s: %s\n", strings.ToLower(name), r.Header.Get(name))
	}
	_, err := fmt.Fprintf(out, "\n%s\n", body)
	return err
}
