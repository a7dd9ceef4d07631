package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
	"platform.company.com/workspace-flyte-integration/internal/workspaceservice/workspaceservicetest"
)

const headerTimeout = 5 * time.Second

// double is the command "workspace-service".
type double struct {
	listen, webhookURL            string
	webhookSecretFile, secretFile string
	state                         string
	dropPercent                   int
	faster                        float64
}

func newWorkspaceServiceCommand() *cobra.Command {
	s := &double{}
	c := &cobra.Command{
		Use:   "workspace-service",
		Short: "Run a double of the workspace service, for development",
		Long: `Run a small double of the company's workspace service. It stores workspaces, sends a signed webhook for every change
with the retries of Standard Webhooks, lists the workspaces, accepts status reports, and prints every message.
It also forwards signed webhooks of other senders, such as "integrationctl send", and records the accepted changes.

It signs webhooks with --webhook-secret-file or the variable WORKSPACE_WEBHOOK_SECRET, and verifies reports with
--secret-file or WORKSPACE_API_SECRET. It authenticates nobody else, and so listens on loopback only.`,
		Example: `  integrationctl workspace-service --state workspaces.jsonl
  curl -X PUT --json '{"name": "Fraud detection", "tier": "standard"}' http://127.0.0.1:8081/workspaces/ws-001
  curl -X POST http://127.0.0.1:8081/workspaces/ws-001/suspend      # or resume
  curl -X DELETE http://127.0.0.1:8081/workspaces/ws-001
  integrationctl send --url http://127.0.0.1:8081 --id ws-002 --version 1 --name "Forecasts"
  curl http://127.0.0.1:8081/workspaces/ws-001                      # with its reports
  curl http://127.0.0.1:8081/`,
		Args: cobra.NoArgs,
		RunE: s.run,
	}
	s.register(c)
	return c
}

func (s *double) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.listen, "listen", "127.0.0.1:8081", "loopback `address` to listen on")
	f.StringVar(&s.webhookURL, "webhook-url", "http://127.0.0.1:8080", "base `URL` of the service to send webhooks to")
	f.StringVar(&s.webhookSecretFile, "webhook-secret-file", "", "`file` with the webhook secret (default: $WORKSPACE_WEBHOOK_SECRET)")
	f.StringVar(&s.secretFile, "secret-file", "", "`file` with the reports' secret (default: $WORKSPACE_API_SECRET)")
	f.StringVar(&s.state, "state", "", "`file` to store everything in (default: in memory)")
	f.IntVar(&s.dropPercent, "drop", 0, "`percent` of the events that are not sent, and only listed")
	f.Float64Var(&s.faster, "faster", 1, "`factor` to divide the pauses between attempts by")
}

func (s *double) run(c *cobra.Command, _ []string) error {
	if err := s.check(); err != nil {
		return err
	}
	options := workspaceservicetest.Options{
		WebhookURL: strings.TrimRight(s.webhookURL, "/"), State: s.state, Faster: s.faster, Drop: float64(s.dropPercent) / 100,
		Out: c.OutOrStdout(),
	}
	var err error
	if options.WebhookSigner, err = newSigner(s.webhookSecretFile, "webhook-secret-file", "WORKSPACE_WEBHOOK_SECRET"); err != nil {
		return err
	}
	text, err := secretText(s.secretFile, "secret-file", "WORKSPACE_API_SECRET")
	if err != nil {
		return err
	}
	if options.ReportKeys, err = signature.ParseKeys(text); err != nil {
		return fmt.Errorf("reading the reports' secret: %w", err)
	}
	return s.serve(c.Context(), options)
}

func (s *double) check() error {
	if address, err := netip.ParseAddrPort(s.listen); err != nil || !address.Addr().IsLoopback() {
		return usagef("--listen must be an address and port of loopback, such as 127.0.0.1:8081")
	}
	if s.dropPercent < 0 || s.dropPercent > 100 || s.faster < 1 {
		return usagef("--drop must be from 0 to 100, and --faster at least 1")
	}
	return nil
}

// serve ends with ctx, after the requests that are under way.
func (s *double) serve(ctx context.Context, o workspaceservicetest.Options) error {
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	service, err := workspaceservicetest.New(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "The double of the workspace service listens on http://%s\n", listener.Addr())
	server := &http.Server{Handler: service, ReadHeaderTimeout: headerTimeout}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	err = server.Serve(listener)
	cancel()
	service.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving: %w", err)
}
