package k3s

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

const (
	configPath     = "/etc/rancher/k3s/config.yaml"
	registriesPath = "/etc/rancher/k3s/registries.yaml"
	installPath    = stateDir + "/install.sh"
	traefikPath    = "/var/lib/rancher/k3s/server/manifests/integrationctl-traefik.yaml"
	marker         = "# by integrationctl\n"
	readyCheck     = 2 * time.Second
)

// serverConfig is the configuration of a server. The embedded registry shares images between nodes.
func (t *Target) serverConfig() map[string]any {
	return map[string]any{
		"write-kubeconfig-mode": "0600",
		"tls-san":               []string{t.apiHost()},
		"embedded-registry":     true,
		"secrets-encryption":    true,
	}
}

func (t *Target) apiHost() string {
	if host, _, err := net.SplitHostPort(t.o.Address); err == nil {
		return host
	}
	return t.o.Address
}

func (t *Target) installServer(ctx context.Context, step *progress.Step, h *host) error {
	if h.installed == t.o.Version {
		step.Skip("K3s %s is installed", h.installed)
		return nil
	}
	if err := h.Script(ctx, beginScript, nil, step.Output, t.o.Version); err != nil {
		return fmt.Errorf("beginning the installation: %w", err)
	}
	if err := writeConfig(ctx, step, h, configPath, t.serverConfig()); err != nil {
		return err
	}
	return t.install(ctx, step, h, "server")
}

// install runs K3s' own installer, as a server or an agent.
func (t *Target) install(ctx context.Context, step *progress.Step, h *host, role string) error {
	if t.o.Bundle != "" {
		b, err := openBundle(t.o.Bundle, h.arch)
		if err != nil {
			return err
		}
		if err := b.send(ctx, step, h); err != nil {
			return err
		}
	}
	if err := h.Script(ctx, t.installScript(), nil, step.Output, installPath, t.o.Version, role); err != nil {
		return fmt.Errorf("installing K3s %s: %w", t.o.Version, err)
	}
	step.Summarize("K3s %s as %s", t.o.Version, role)
	return nil
}

func (t *Target) installScript() string {
	if t.o.Bundle != "" {
		return bundleInstallScript
	}
	return onlineInstallScript
}

// writeConfig writes a configuration file, and keeps one that somebody else has written.
func writeConfig(ctx context.Context, step *progress.Step, h *host, path string, config map[string]any) error {
	text, err := yaml.Marshal(config)
	if err != nil {
		return err
	}
	content := marker + string(text)
	if err := h.Script(ctx, configScript, strings.NewReader(content), step.Output, path, strconv.Itoa(len(content))); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

func (t *Target) awaitReady(ctx context.Context, step *progress.Step, h *host) error {
	last := ""
	err := wait.PollUntilContextTimeout(ctx, readyCheck, t.o.Timeout, true, func(ctx context.Context) (bool, error) {
		output, err := h.Output(ctx, nodesScript)
		last = strings.TrimSpace(output)
		ready := strings.Count(last, " Ready ")
		step.Progress(0, 0, fmt.Sprintf("%d nodes ready", ready))
		step.Summarize("%d nodes ready", ready)
		return ready > 0, err
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return fmt.Errorf("no node is ready after %s: `journalctl -u k3s` on %s says why: %s", t.o.Timeout, h.name, last)
	}
	return err
}

// configureIngress makes the bundled Traefik get certificates. It is configured, not replaced.
func (t *Target) configureIngress(ctx context.Context, step *progress.Step, h *host) error {
	if t.o.Email == "" {
		step.Skip("the bundled Traefik stays as it is; --acme-email makes it get certificates of Let's Encrypt")
		return nil
	}
	if err := h.Script(ctx, foreignTraefikScript, nil, func(string) {}, traefikPath); err != nil {
		return deploy.Failf(deploy.PreflightFailed,
			"Traefik is already configured by a HelmChartConfig: add the certificate resolver %q there, and leave out --acme-email", resolverName)
	}
	return writeConfig(ctx, step, h, traefikPath, t.traefik())
}

// resolverName is the one that the chart's IngressRoute names.
const resolverName = "letsencrypt"

func (t *Target) traefik() map[string]any {
	const values = `persistence: {enabled: true}
additionalArguments:
  - --certificatesresolvers.%[1]s.acme.email=%[2]s
  - --certificatesresolvers.%[1]s.acme.storage=/data/acme.json
  - --certificatesresolvers.%[1]s.acme.tlschallenge=true
`
	return map[string]any{
		"apiVersion": "helm.cattle.io/v1", "kind": "HelmChartConfig",
		"metadata": map[string]any{"name": "traefik", "namespace": "kube-system"},
		"spec":     map[string]any{"valuesContent": fmt.Sprintf(values, resolverName, t.o.Email)},
	}
}
