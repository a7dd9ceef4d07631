package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/netguard"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
	"platform.company.com/workspace-flyte-integration/internal/workspace/store"
	"platform.company.com/workspace-flyte-integration/internal/workspaceservice"
)

// syncer is the command "sync".
type syncer struct {
	cluster               *clusterFlags
	namespace, configMap  string
	endpoint              string
	secretFile, tokenFile string
	caFile                string
	certFile, keyFile     string
	dryRun                bool
}

func newSyncCommand() *cobra.Command {
	s := &syncer{cluster: &clusterFlags{}}
	c := &cobra.Command{
		Use:   "sync",
		Short: "Read the workspace service's listing now, and print the differences",
		Long: `Do now what the service does every RESYNC_INTERVAL: read the whole listing of the workspace service, store what is newer
there, mark workspaces that it lacks as Unlisted, and print each difference. A listing that can't be read completely
changes nothing, and no workspace is ever deleted because the listing lacks it.

The command writes to the cluster as the user of the kubeconfig. It reads the names of namespaces and the endpoint from the
service's ConfigMap, and the secret to sign requests with from --secret-file or the variable WORKSPACE_API_SECRET.`,
		Args: cobra.NoArgs,
		RunE: s.run,
	}
	f := c.Flags()
	s.cluster.register(f)
	f.StringVarP(&s.namespace, "namespace", "n", "platform-services", "`namespace` of the service")
	f.StringVar(&s.configMap, "config-map", "workspace-flyte-integration", "`name` of the service's ConfigMap")
	f.StringVar(&s.endpoint, "endpoint", "", "`URL` of the workspace service (default: $WORKSPACE_API_ENDPOINT, or as in the ConfigMap)")
	f.StringVar(&s.secretFile, "secret-file", "", "`file` with the secret to sign with (default: $WORKSPACE_API_SECRET)")
	f.StringVar(&s.tokenFile, "token-file", "", "`file` with a bearer token for the workspace service")
	f.StringVar(&s.caFile, "ca-file", "", "`file` with the certificates to trust as PEM (default: the system's)")
	f.StringVar(&s.certFile, "client-cert-file", "", "`file` with a client certificate as PEM, for mTLS")
	f.StringVar(&s.keyFile, "client-key-file", "", "`file` with its key")
	f.BoolVar(&s.dryRun, "dry-run", false, "print the differences and change nothing")
	return c
}

func (s *syncer) run(c *cobra.Command, _ []string) error {
	kube, err := s.cluster.client()
	if err != nil {
		return err
	}
	settings, err := s.settings(c.Context(), kube)
	if err != nil {
		return err
	}
	api, err := s.api(settings)
	if err != nil {
		return err
	}
	resync, err := newResync(kube, api, settings, s.namespace)
	if err != nil {
		return err
	}
	resync.DryRun = s.dryRun
	differences, err := resync.Once(c.Context())
	return errors.Join(printDifferences(c.OutOrStdout(), differences), err)
}

// settings returns the variables of the service from its ConfigMap.
func (s *syncer) settings(ctx context.Context, kube client.Client) (map[string]string, error) {
	var config corev1.ConfigMap
	if err := kube.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: s.configMap}, &config); err != nil {
		return nil, fmt.Errorf("reading the service's ConfigMap (see --namespace and --config-map): %w", err)
	}
	return config.Data, nil
}

func newResync(
	kube client.Client, api *workspaceservice.Client, settings map[string]string, namespace string,
) (*workspaceservice.Resync, error) {
	list := func(name string) []string {
		return strings.FieldsFunc(settings[name], func(r rune) bool { return r == ',' })
	}
	reserved := append([]string{namespace, settings["FLYTE_NAMESPACE"], "flyte", "workspace-management"}, list("RESERVED_NAMESPACES")...)
	naming, err := workspace.NewNaming(
		settings["NAMESPACE_TEMPLATE"], settings["KUBERNETES_NAMESPACE_PREFIX"], list("FLYTE_DOMAINS"), reserved,
	)
	if err != nil {
		return nil, fmt.Errorf("reading NAMESPACE_TEMPLATE in the service's ConfigMap: it %w", err)
	}
	maximum, err := strconv.Atoi(settings["MAX_WORKSPACES"])
	if err != nil {
		return nil, fmt.Errorf("reading MAX_WORKSPACES in the service's ConfigMap: %w", err)
	}
	return workspaceservice.NewResync(workspaceservice.ResyncOptions{
		Client: api, Cached: kube, Live: kube, Store: store.NewDirect(kube, workspace.NewLimits(maximum)),
		Validator: workspace.NewValidator(naming), Metrics: prometheus.NewRegistry(),
	}), nil
}

func (s *syncer) api(settings map[string]string) (*workspaceservice.Client, error) {
	text := cmp.Or(s.endpoint, os.Getenv("WORKSPACE_API_ENDPOINT"), settings["WORKSPACE_API_ENDPOINT"])
	if text == "" {
		return nil, errors.New("no workspace service: give --endpoint, or set WORKSPACE_API_ENDPOINT")
	}
	endpoint, err := netguard.ParseEndpoint(text)
	if err != nil {
		return nil, fmt.Errorf("the endpoint %w", err)
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

func printDifferences(out io.Writer, differences []workspaceservice.Difference) error {
	if len(differences) == 0 {
		_, err := fmt.Fprintln(out, "No differences.")
		return err
	}
	table := newTable(out, "WORKSPACE", "DIFFERENCE", "DETAIL")
	for _, d := range differences {
		fmt.Fprintf(table, "%s\t%s\t%s\n", d.WorkspaceID, d.Kind, d.Detail)
	}
	return table.Flush()
}
