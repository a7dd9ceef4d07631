package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"google.golang.org/grpc"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/networkprobe"
	"platform.company.com/workspace-flyte-integration/internal/web"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/lifecycle"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
	"platform.company.com/workspace-flyte-integration/internal/workspace/store"
	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
	"platform.company.com/workspace-flyte-integration/internal/workspaceservice"
)

const (
	name       = "workspace-flyte-integration"
	stallLimit = 5 * time.Minute
	// drainMargin is how long after the longest wait of /provision the last requests may take.
	drainMargin = 5 * time.Second
)

// service wires the parts together.
type service struct {
	cfg        *config
	log        logr.Logger
	slog       *slog.Logger
	mgr        manager.Manager
	flyte      *flyteProbe
	validator  *workspace.Validator
	controller *lifecycle.Controller
	store      *store.Store
	reporter   *workspaceservice.Reporter // nil without WORKSPACE_API_ENDPOINT
	resync     *workspaceservice.Resync   // the same
	lease      *k8s.Lease
	synced     atomic.Bool
	server     *http.Server
	// lastProbe is how long the API server's last answer to a probe took, and apiServerTook the shorter of the last two, in nanoseconds.
	lastProbe, apiServerTook atomic.Int64
	// stallLimit is when a leader whose work does not progress is restarted.
	stallLimit time.Duration
	// misconfigured is why the service stopped by itself, if the configuration does not suit the cluster.
	misconfigured error
	// relisted yields a value after the caches listed a kind again.
	relisted chan struct{}
	// pullSecrets is nil without PULL_SECRETS_NAMESPACE.
	pullSecrets *k8s.PullSecrets
	// queues is nil without QUEUES_ENABLED.
	queues *k8s.Optional
	// network is nil without NETWORK_PROBE_ADDRESS.
	network *networkprobe.Probe
	// objectKinds is nil without TIER_OBJECTS.
	objectKinds *k8s.ObjectKinds
	// flyteOptions are those of tracing.
	flyteOptions []grpc.DialOption
	stopTracing  func(context.Context) error
}

func newService(cfg *config, log logr.Logger, slogger *slog.Logger) *service {
	return &service{
		cfg: cfg, log: log, slog: slogger, validator: workspace.NewValidator(cfg.naming), stallLimit: stallLimit,
		relisted:    make(chan struct{}, 1),
		stopTracing: func(context.Context) error { return nil },
	}
}

// run serves until ctx ends.
func run(ctx context.Context, cfg *config, log logr.Logger, slogger *slog.Logger) error {
	s := newService(cfg, log, slogger)
	defer s.exportLastSpans(ctx)
	if err := s.build(ctx); err != nil {
		return err
	}
	defer func() { _ = s.flyte.client.Close() }()
	log.Info("starting", "version", version, "template", cfg.NamespaceTemplate, "flyte", cfg.FlyteAdminEndpoint)
	if !cfg.naming.PerDomain() {
		log.Info("NAMESPACE_TEMPLATE has no {domain}: two executions of one name in two domains of a project collide")
	}
	err := s.serve(ctx)
	return cmp.Or(s.misconfigured, err)
}

// build wires the parts together. ctx is the process's.
func (s *service) build(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		s.addTracing, s.addManager, s.addFlyte, s.addStore, s.addNetworkProbe, s.addController, s.addReports, s.addEdge,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *service) addManager(context.Context) error {
	options, err := s.managerOptions()
	if err != nil {
		return err
	}
	s.mgr, err = manager.New(s.cfg.rest, options)
	if err != nil {
		return fmt.Errorf("making the manager: %w", err)
	}
	return nil
}

func (s *service) managerOptions() (manager.Options, error) {
	scheme, err := k8s.NewScheme()
	if err != nil {
		return manager.Options{}, err
	}
	caches, err := k8s.CacheOptions(scheme, s.relisted)
	if err != nil {
		return manager.Options{}, err
	}
	if s.cfg.PullSecretsNS != "" {
		k8s.AddPullSecrets(&caches)
	}
	drain := s.cfg.drain()
	return manager.Options{
		Scheme: scheme, Cache: caches, Logger: s.log,
		Metrics:                 metricsserver.Options{BindAddress: s.cfg.MetricsAddress},
		HealthProbeBindAddress:  "0",
		GracefulShutdownTimeout: &drain,
		PprofBindAddress:        s.cfg.pprofAddress(),
	}, nil
}

func (s *service) addStore(ctx context.Context) (err error) {
	s.store, err = store.New(ctx, s.mgr.GetClient(), s.mgr.GetAPIReader(), s.mgr.GetCache(),
		workspace.NewLimits(s.cfg.MaxWorkspaces))
	return err
}

func (s *service) addEdge(ctx context.Context) error {
	handler, err := s.webhookHandler(ctx)
	if err != nil {
		return err
	}
	health := s.health(ctx)
	api, err := s.readAPI(ctx, handler)
	if err != nil {
		return err
	}
	page, err := s.page(api, health)
	if err != nil {
		return err
	}
	return s.addServer(webhook.NewRouter(s.slog, routes(handler, api, page, health)...))
}

// webhookHandler ends waiting requests with ctx, which ends when the process begins to stop.
func (s *service) webhookHandler(ctx context.Context) (*webhook.Handler, error) {
	keys, err := s.cfg.webhookKeys(s.logKeys, s.logReload("WORKSPACE_WEBHOOK_SECRET_FILE"))
	if err != nil {
		return nil, err
	}
	return webhook.NewHandler(webhook.Options{
		Verifier:  signature.NewVerifier(keys, s.cfg.WebhookTolerance, time.Now),
		Validator: s.validator, Store: s.store,
		ConsoleURL: s.consoleURL, DomainURLs: s.domainURLs, PublicURL: s.cfg.PublicURL,
		ProvisionTimeout: s.cfg.ProvisionTimeout, Draining: ctx.Done(), Metrics: metrics.Registry,
		TrustedProxies: s.cfg.trustedProxies(),
	}), nil
}

// addServer serves on LISTEN_ADDRESS.
func (s *service) addServer(router http.Handler) error {
	drain := s.cfg.drain()
	timeouts := webhook.Timeouts{Provision: s.cfg.ProvisionTimeout, Idle: s.cfg.IdleTimeout}
	s.server = webhook.NewServer(s.cfg.ListenAddress, router, timeouts, s.slog)
	edge := &manager.Server{Name: "edge", Server: s.server, ShutdownTimeout: &drain}
	if err := s.listenTLS(edge); err != nil {
		return err
	}
	return s.mgr.Add(edge)
}

// routes are all that is served on LISTEN_ADDRESS; api/openapi.yaml describes them.
func routes(handler *webhook.Handler, read *web.ReadAPI, page *web.Page, health *webhook.Health) []webhook.Routes {
	return []webhook.Routes{handler, read, page, health, web.Docs{}}
}

// logKeys logs which webhook keys this replica accepts from now on. It also computes their fingerprints, for which no
// request has to wait then.
func (s *service) logKeys(keys *signature.Keys) {
	s.log.Info("loaded webhook keys", "fingerprints", keys.Fingerprints())
}

// logReload logs that a file was read again, or could not be.
func (s *service) logReload(variable string) func(error) {
	return func(err error) {
		if err != nil {
			s.log.Error(err, "reading a file; its last good content stays in use", "variable", variable)
			return
		}
		s.log.Info("read a file again", "variable", variable)
	}
}

// consoleURL is in the first domain where the console of Flyte 2 has no page for all of them.
func (s *service) consoleURL(id string) string {
	if s.cfg.flyteAPI() == flyte.V2 {
		return flyte.ConsoleURL(flyte.V2, s.cfg.FlyteConsoleURL, id, s.cfg.FlyteDomains[0])
	}
	return flyte.ConsoleURL(flyte.V1, s.cfg.FlyteConsoleURL, id, "")
}

func (s *service) domainURLs(id string) map[string]string {
	urls := make(map[string]string, len(s.cfg.FlyteDomains))
	for _, domain := range s.cfg.FlyteDomains {
		urls[domain] = flyte.ConsoleURL(s.cfg.flyteAPI(), s.cfg.FlyteConsoleURL, id, domain)
	}
	return urls
}
