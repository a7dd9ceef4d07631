package main

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/netguard"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
	"platform.company.com/workspace-flyte-integration/internal/workspace/store"
	"platform.company.com/workspace-flyte-integration/internal/workspaceservice"
)

// syncer is the command "sync".
type syncer struct {
	streams               genericiooptions.IOStreams
	cluster               *cluster
	settings              settingsFlags
	endpoint              string
	secretFile, tokenFile string
	caFile                string
	certFile, keyFile     string
	dryRun                bool
}

func newSyncCommand(streams genericiooptions.IOStreams) *cobra.Command {
	s := &syncer{streams: streams}
	c := &cobra.Command{
		Use:   "sync",
		Short: "Read the workspace service's listing now, and print the differences",
		Long: `Do now what the service does every RESYNC_INTERVAL: read the whole listing of the workspace service, store what is newer
there, mark workspaces that it lacks as Unlisted, and print each difference. A listing that can't be read completely
changes nothing, and no workspace is ever deleted because the listing lacks it.

The command writes to the cluster as the user of the kubeconfig. It reads the names of namespaces and the endpoint from the
service's ConfigMap, and the secret to sign requests with from --secret-file or the variable WORKSPACE_API_SECRET.

With --dry-run, the exit code is 2 if there are differences.`,
		Example: `  integrationctl sync --dry-run --secret-file reports.secret`,
		Args:    cobra.NoArgs,
		RunE:    s.run,
	}
	s.register(c)
	return c
}

func (s *syncer) register(c *cobra.Command) {
	s.cluster = newCluster(c)
	s.settings.register(c)
	f := c.Flags()
	f.StringVar(&s.endpoint, "endpoint", "", "`URL` of the workspace service (default: $WORKSPACE_API_ENDPOINT, or as in the ConfigMap)")
	f.StringVar(&s.secretFile, "secret-file", "", "`file` with the secret to sign with (default: $WORKSPACE_API_SECRET)")
	f.StringVar(&s.tokenFile, "token-file", "", "`file` with a bearer token for the workspace service")
	f.StringVar(&s.caFile, "ca-file", "", "`file` with the certificates to trust as PEM (default: the system's)")
	f.StringVar(&s.certFile, "client-cert-file", "", "`file` with a client certificate as PEM, for mTLS")
	f.StringVar(&s.keyFile, "client-key-file", "", "`file` with its key")
	f.BoolVar(&s.dryRun, "dry-run", false, "print the differences and change nothing")
}

func (s *syncer) run(c *cobra.Command, _ []string) error {
	resync, err := s.resync(c)
	if err != nil {
		return err
	}
	resync.DryRun = s.dryRun
	differences, err := resync.Once(c.Context())
	if err := errors.Join(s.print(differences), err); err != nil {
		return err
	}
	if s.dryRun && len(differences) > 0 {
		return &codedError{code: exitDifferences}
	}
	return nil
}

// resync makes what the service has, with its settings.
func (s *syncer) resync(c *cobra.Command) (*workspaceservice.Resync, error) {
	kube, err := s.cluster.client()
	if err != nil {
		return nil, err
	}
	settings, err := s.settings.read(c.Context(), kube)
	if err != nil {
		return nil, err
	}
	api, err := s.api(settings)
	if err != nil {
		return nil, err
	}
	naming, err := settings.naming(s.settings.namespace)
	if err != nil {
		return nil, err
	}
	limits, err := settings.limits()
	if err != nil {
		return nil, err
	}
	return workspaceservice.NewResync(workspaceservice.ResyncOptions{
		Client: api, Cached: kube, Live: kube, Store: store.NewDirect(kube, limits),
		Validator: workspace.NewValidator(naming), Metrics: prometheus.NewRegistry(),
	}), nil
}

func (s *syncer) api(settings settings) (*workspaceservice.Client, error) {
	endpoint, err := s.endpointURL(settings)
	if err != nil {
		return nil, err
	}
	signer, err := newSigner(s.secretFile, "secret-file", "WORKSPACE_API_SECRET")
	if err != nil {
		return nil, err
	}
	options := workspaceservice.ClientOptions{
		Endpoint: endpoint, Signer: func() *signature.Signer { return signer }, UserAgent: "integrationctl/" + version,
	}
	if options.Token, err = s.token(); err != nil {
		return nil, err
	}
	if options.TLS, err = s.tls(); err != nil {
		return nil, err
	}
	return workspaceservice.NewClient(options), nil
}

func (s *syncer) endpointURL(settings settings) (*url.URL, error) {
	text := cmp.Or(s.endpoint, os.Getenv("WORKSPACE_API_ENDPOINT"), settings["WORKSPACE_API_ENDPOINT"])
	if text == "" {
		return nil, usagef("no workspace service: give --endpoint, or set WORKSPACE_API_ENDPOINT")
	}
	endpoint, err := netguard.ParseEndpoint(text)
	if err != nil {
		return nil, fmt.Errorf("the endpoint %w", err)
	}
	return endpoint, nil
}

// token returns a function for the bearer token; nil without a file.
func (s *syncer) token() (func() string, error) {
	if s.tokenFile == "" {
		return nil, nil //nolint:nilnil // see above
	}
	text, err := os.ReadFile(s.tokenFile)
	if err != nil {
		return nil, fmt.Errorf("reading the token: %w", err)
	}
	token := strings.TrimSpace(string(text))
	return func() string { return token }, nil
}

func (s *syncer) tls() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.caFile != "" {
		text, err := os.ReadFile(s.caFile)
		cfg.RootCAs = x509.NewCertPool()
		if err != nil || !cfg.RootCAs.AppendCertsFromPEM(text) {
			return nil, errors.New("--ca-file must be a file with certificates as PEM")
		}
	}
	if s.certFile == "" && s.keyFile == "" {
		return cfg, nil
	}
	pair, err := tls.LoadX509KeyPair(s.certFile, s.keyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the client certificate: %w", err)
	}
	cfg.Certificates = []tls.Certificate{pair}
	return cfg, nil
}

func (s *syncer) print(differences []workspaceservice.Difference) error {
	if len(differences) == 0 {
		fmt.Fprintln(s.streams.ErrOut, "No differences.")
		return nil
	}
	table := newTable("Workspace", "Difference", "Detail")
	for _, d := range differences {
		table.Rows = append(table.Rows, metav1.TableRow{Cells: []any{d.WorkspaceID, d.Kind, d.Detail}})
	}
	return printTable(s.streams.Out, table)
}
