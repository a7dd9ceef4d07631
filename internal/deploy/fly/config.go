package fly

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// What Setup stages, and what the Machines get of it.
const (
	// WebhookSecret is the service's own variable.
	WebhookSecret = "WORKSPACE_WEBHOOK_SECRET" //nolint:gosec // a name
	// KubeconfigSecret holds the kubeconfig in base64, as Fly wants it for a file.
	KubeconfigSecret = "FLYTE_CLUSTER_KUBECONFIG" //nolint:gosec // a name

	kubeconfigPath = "/flyte-cluster/kubeconfig"
	maxKillTimeout = 5 * time.Minute // Fly's
)

// secretNames are variables of the service that must not be in fly.toml.
var secretNames = []string{
	WebhookSecret, "FLYTE_CLIENT_SECRET", "WORKSPACE_API_SECRET", "FLYTE_ADMIN_CLIENT_KEY", "WORKSPACE_API_CLIENT_KEY",
}

var (
	appName    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$`)
	regionName = regexp.MustCompile(`^[a-z]{3}$`)
	domainName = regexp.MustCompile(`^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
)

func (o *Options) check() error {
	if !appName.MatchString(o.App) {
		return fmt.Errorf("--app must be lower-case letters, digits and hyphens, not %q", o.App)
	}
	for _, region := range o.Regions {
		if !regionName.MatchString(region) {
			return fmt.Errorf("--region must be a region of `flyctl platform regions` such as fra, not %q", region)
		}
	}
	for _, domain := range o.Domains {
		if !domainName.MatchString(domain) {
			return fmt.Errorf("--domain must be a host name, not %q", domain)
		}
	}
	for _, name := range secretNames {
		if _, ok := o.Environment[name]; ok {
			return fmt.Errorf("--env %s would show the secret in fly.toml: use `deploy setup fly`", name)
		}
	}
	if o.Replicas >= 0 && o.Replicas < max(1, len(o.Regions)) {
		return fmt.Errorf("--replicas must be at least one for each region, not %d", o.Replicas)
	}
	_, err := o.killTimeout()
	return err
}

// killTimeout is [deploy.StopTimeout] within the bound of Fly.
func (o *Options) killTimeout() (time.Duration, error) {
	timeout, err := deploy.StopTimeout(o.Environment)
	if err == nil && timeout > maxKillTimeout {
		err = fmt.Errorf("--env PROVISION_TIMEOUT must be at most %s: Fly kills a Machine after %s", maxKillTimeout-deploy.Drain, maxKillTimeout)
	}
	return timeout, err
}

// config is the content of fly.toml.
func (o *Options) config() (table, error) {
	timeout, err := o.killTimeout()
	if err != nil {
		return nil, err
	}
	memory, err := megabytes(o.Memory)
	if err != nil {
		return nil, err
	}
	c := table{
		"app": o.App, "kill_signal": "SIGTERM", "kill_timeout": timeout.String(),
		"env":   o.environment(),
		"files": []table{{"guest_path": kubeconfigPath, "secret_name": KubeconfigSecret}},
		"http_service": table{
			"internal_port": 8080, "force_https": true, "auto_stop_machines": "off", "auto_start_machines": false,
			"checks": []table{check("/readyz")},
		},
		"checks":  table{"livez": live()},
		"metrics": []table{{"port": 9090, "path": "/metrics"}},
		"vm":      []table{{"size": o.Size, "memory": memory}},
		"deploy":  table{"strategy": "rolling", "max_unavailable": 1},
	}
	if o.Strategy == "recreate" {
		c["deploy"] = table{"strategy": "immediate"}
	}
	if len(o.Regions) > 0 {
		c["primary_region"] = o.Regions[0]
	}
	return c, nil
}

// check is a check of an HTTP route. Fly's proxy sends requests only to Machines that pass those of the service.
func check(path string) table {
	return table{"method": "GET", "path": path, "interval": "10s", "timeout": "5s", "grace_period": "30s"}
}

func live() table {
	c := check("/livez")
	c["type"], c["port"] = "http", 8080
	return c
}

func (o *Options) environment() table {
	env := table{"KUBECONFIG": kubeconfigPath, "PUBLIC_URL": "https://" + o.App + ".fly.dev"}
	if len(o.Domains) > 0 && !strings.HasPrefix(o.Domains[0], "*") {
		env["PUBLIC_URL"] = "https://" + o.Domains[0]
	}
	for _, name := range slices.Sorted(maps.Keys(o.Environment)) {
		env[name] = o.Environment[name]
	}
	return env
}

func megabytes(text string) (string, error) {
	memory, err := resource.ParseQuantity(text)
	if err != nil || memory.Value() < 256<<20 {
		return "", fmt.Errorf("--memory must be a quantity of at least 256Mi, not %q", text)
	}
	return fmt.Sprintf("%dmb", memory.Value()>>20), nil
}
