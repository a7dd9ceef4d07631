package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"k8s.io/client-go/rest"

	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// config is everything that can be configured, read once. The names of the variables are the contract's.
type config struct {
	ListenAddress  string `env:"LISTEN_ADDRESS"  envDefault:":8080"`
	MetricsAddress string `env:"METRICS_ADDRESS" envDefault:":9090"`
	PprofEnabled   bool   `env:"PPROF_ENABLED"`
	TLSCertFile    string `env:"TLS_CERT_FILE"`
	TLSKeyFile     string `env:"TLS_KEY_FILE"`
	Kubeconfig     string `env:"KUBECONFIG"`
	LogLevel       string `env:"LOG_LEVEL"       envDefault:"info"`
	LogFormat      string `env:"LOG_FORMAT"      envDefault:"json"`
	ClusterName    string `env:"CLUSTER_NAME"    envDefault:"flyte-eks"`
	PodName        string `env:"POD_NAME"`
	PodNamespace   string `env:"POD_NAMESPACE"   envDefault:"platform-services"`

	LeaseDuration      time.Duration `env:"LEASE_DURATION"       envDefault:"15s"`
	LeaseRenewDeadline time.Duration `env:"LEASE_RENEW_DEADLINE" envDefault:"10s"`
	LeaseRetryPeriod   time.Duration `env:"LEASE_RETRY_PERIOD"   envDefault:"2s"`

	NamespacePrefix    string   `env:"KUBERNETES_NAMESPACE_PREFIX" envDefault:"flyte-"`
	NamespaceTemplate  string   `env:"NAMESPACE_TEMPLATE"          envDefault:"{prefix}{project}"`
	ReservedNamespaces []string `env:"RESERVED_NAMESPACES"`
	MaxWorkspaces      int      `env:"MAX_WORKSPACES"              envDefault:"9000"`
	DNSCIDRs           []string `env:"DNS_CIDRS"                   envDefault:"169.254.20.10/32"`
	EgressExceptCIDRs  []string `env:"EGRESS_EXCEPT_CIDRS"         envDefault:"10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,169.254.0.0/16,fc00::/7,fe80::/10"` //nolint:lll // one value
	PullSecretsNS      string   `env:"PULL_SECRETS_NAMESPACE"`
	NetworkProbe       string   `env:"NETWORK_PROBE_ADDRESS"`
	QueuesEnabled      bool     `env:"QUEUES_ENABLED"`
	TierObjects        []string `env:"TIER_OBJECTS"`

	FlyteNamespace       string   `env:"FLYTE_NAMESPACE"         envDefault:"flyte-system"`
	FlytePorts           []int32  `env:"FLYTE_PORTS"             envDefault:"80,81,443,8088,8089,9000"`
	FlyteDomains         []string `env:"FLYTE_DOMAINS"           envDefault:"development,staging,production"`
	FlyteAdminEndpoint   string   `env:"FLYTE_ADMIN_ENDPOINT"    envDefault:"flyte-admin.flyte-system.svc.cluster.local:81"`
	FlyteAPIVersion      string   `env:"FLYTE_API_VERSION"       envDefault:"v1"`
	FlyteAdminTLSEnabled bool     `env:"FLYTE_ADMIN_TLS_ENABLED"`
	FlyteAdminCACert     string   `env:"FLYTE_ADMIN_CA_CERT"`
	FlyteAdminClientCert string   `env:"FLYTE_ADMIN_CLIENT_CERT"`
	FlyteAdminClientKey  string   `env:"FLYTE_ADMIN_CLIENT_KEY"`
	FlyteClientID        string   `env:"FLYTE_CLIENT_ID"`
	FlyteClientSecret    string   `env:"FLYTE_CLIENT_SECRET"`
	FlyteClientSecretAt  string   `env:"FLYTE_CLIENT_SECRET_FILE"`
	FlyteTokenURL        string   `env:"FLYTE_TOKEN_URL"`
	FlyteScopes          string   `env:"FLYTE_SCOPES"`
	FlyteConsoleURL      string   `env:"FLYTE_CONSOLE_URL"`

	WebhookSecret     string        `env:"WORKSPACE_WEBHOOK_SECRET"`
	WebhookSecretFile string        `env:"WORKSPACE_WEBHOOK_SECRET_FILE"`
	WebhookTolerance  time.Duration `env:"WEBHOOK_TOLERANCE" envDefault:"5m"`
	ProvisionTimeout  time.Duration `env:"PROVISION_TIMEOUT" envDefault:"25s"`
	IdleTimeout       time.Duration `env:"IDLE_TIMEOUT"      envDefault:"2m"`
	TrustedProxies    []string      `env:"TRUSTED_PROXIES"`

	APIAuth   string `env:"API_AUTH"   envDefault:"kubernetes"`
	PublicURL string `env:"PUBLIC_URL"`
	// PageRollout names the Deployment of the service, in PodNamespace.
	PageRollout string `env:"PAGE_ROLLOUT"`

	WorkspaceAPIEndpoint   string        `env:"WORKSPACE_API_ENDPOINT"`
	WorkspaceAPISecret     string        `env:"WORKSPACE_API_SECRET"`
	WorkspaceAPISecretFile string        `env:"WORKSPACE_API_SECRET_FILE"`
	WorkspaceAPITokenFile  string        `env:"WORKSPACE_API_TOKEN_FILE"`
	WorkspaceAPICACert     string        `env:"WORKSPACE_API_CA_CERT"`
	WorkspaceAPIClientCert string        `env:"WORKSPACE_API_CLIENT_CERT"`
	WorkspaceAPIClientKey  string        `env:"WORKSPACE_API_CLIENT_KEY"`
	ResyncInterval         time.Duration `env:"RESYNC_INTERVAL" envDefault:"1h"`

	DeletionPolicy      string        `env:"DELETION_POLICY"       envDefault:"Archive"`
	DeletionGracePeriod time.Duration `env:"DELETION_GRACE_PERIOD" envDefault:"168h"`
	TombstoneTTL        time.Duration `env:"TOMBSTONE_TTL"         envDefault:"720h"`

	// OpenTelemetry's SDK reads its other variables by itself.
	OTelDisabled       bool   `env:"OTEL_SDK_DISABLED"`
	OTelExporter       string `env:"OTEL_TRACES_EXPORTER"`
	OTelEndpoint       string `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
	OTelTracesEndpoint string `env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"`
	OTelProtocol       string `env:"OTEL_EXPORTER_OTLP_PROTOCOL"`
	OTelTracesProtocol string `env:"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"`
	OTelSampler        string `env:"OTEL_TRACES_SAMPLER"`

	// Derived from the variables.
	rest            *rest.Config
	naming          *workspace.Naming
	objectKinds     workspace.ObjectKinds
	workspaceAPI    *url.URL
	workspaceAPICAs *x509.CertPool
}

// loadConfig reads the environment and reports every problem at once, each beginning with the variable's name.
func loadConfig(environ []string) (cfg *config, wrong []string) {
	variables := env.ToMap(environ)
	for name, value := range variables {
		if strings.TrimSpace(value) == "" {
			delete(variables, name) // an empty variable is an unset one
		}
	}
	cfg = &config{}
	found := parseProblems(env.ParseWithOptions(cfg, env.Options{Environment: variables}))
	cfg.check(found)
	return cfg, found.sorted()
}

// problems are what is wrong with variables, by their names.
type problems map[string]string

// add keeps the first problem of a variable, in one line.
func (p problems) add(variable, format string, args ...any) {
	if _, known := p[variable]; !known {
		p[variable] = strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "; ")
	}
}

func (p problems) sorted() []string {
	var lines []string
	for variable, problem := range p {
		lines = append(lines, variable+": "+problem)
	}
	slices.Sort(lines)
	return lines
}

// parseProblems names the variables where the library names the fields.
func parseProblems(err error) problems {
	found := problems{}
	aggregate, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return found
	}
	for _, problem := range aggregate.Errors {
		if wrong, ok := errors.AsType[env.ParseError](problem); ok {
			field, _ := reflect.TypeFor[config]().FieldByName(wrong.Name)
			found.add(field.Tag.Get("env"), "is not a %s", nameOf(wrong.Type))
		}
	}
	return found
}

func nameOf(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "duration such as 5m"
	case reflect.TypeFor[bool]():
		return "true or false"
	}
	return "number"
}

// drain is how long requests under way may take to finish at the end of the process.
func (c *config) drain() time.Duration { return c.ProvisionTimeout + drainMargin }

func (c *config) leaseTimes() k8s.LeaseTimes {
	return k8s.LeaseTimes{Duration: c.LeaseDuration, RenewDeadline: c.LeaseRenewDeadline, RetryPeriod: c.LeaseRetryPeriod}
}

// pprofAddress is on loopback only: profiles show what is in memory.
func (c *config) pprofAddress() string {
	if c.PprofEnabled {
		return "127.0.0.1:6060"
	}
	return ""
}
