package main

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"go.uber.org/zap/zapcore"
	"k8s.io/apimachinery/pkg/util/validation"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// minTolerance is what clocks and networks need.
const minTolerance = time.Second

// check adds what is wrong with values that could be parsed, and keeps what follows from them.
func (c *config) check(found problems) {
	c.checkAddresses(found)
	c.checkSecret(found)
	c.checkFlyte(found)
	c.checkNaming(found)
	checkCIDRs(found, "DNS_CIDRS", c.DNSCIDRs)
	checkCIDRs(found, "EGRESS_EXCEPT_CIDRS", c.EgressExceptCIDRs)
	checkAtLeast(found, "WEBHOOK_TOLERANCE", c.WebhookTolerance, minTolerance)
	checkAtLeast(found, "PROVISION_TIMEOUT", c.ProvisionTimeout, 0)
	checkAtLeast(found, "MAX_WORKSPACES", c.MaxWorkspaces, 1)
	if _, err := zapcore.ParseLevel(c.LogLevel); err != nil {
		found.add("LOG_LEVEL", "must be debug, info, warn or error")
	}
	checkOneOf(found, "LOG_FORMAT", c.LogFormat, "json", "console")
	checkOneOf(found, "DELETION_POLICY", c.DeletionPolicy, "Archive")
}

func (c *config) checkAddresses(found problems) {
	for variable, address := range map[string]string{
		"LISTEN_ADDRESS": c.ListenAddress, "METRICS_ADDRESS": c.MetricsAddress, "FLYTE_ADMIN_ENDPOINT": c.FlyteAdminEndpoint,
	} {
		if _, _, err := net.SplitHostPort(address); err != nil {
			found.add(variable, "must be host:port")
		}
	}
	base, err := url.Parse(c.FlyteConsoleURL)
	switch {
	case c.FlyteConsoleURL == "":
		found.add("FLYTE_CONSOLE_URL", "is required")
	case err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http":
		found.add("FLYTE_CONSOLE_URL", "must be an http or https URL")
	}
}

func (c *config) checkSecret(found problems) {
	var err error
	switch {
	case c.WebhookSecret == "" && c.WebhookSecretFile == "":
		found.add("WORKSPACE_WEBHOOK_SECRET", "is required, or WORKSPACE_WEBHOOK_SECRET_FILE")
	case c.WebhookSecret != "" && c.WebhookSecretFile != "":
		found.add("WORKSPACE_WEBHOOK_SECRET", "must not be set together with WORKSPACE_WEBHOOK_SECRET_FILE")
	case c.WebhookSecret != "":
		if c.keys, err = signature.ParseKeys(c.WebhookSecret); err != nil {
			found.add("WORKSPACE_WEBHOOK_SECRET", "%s", err)
		}
	default:
		if _, err := signature.WatchFile(c.WebhookSecretFile, signature.ParseKeys, func(error) {}); err != nil {
			found.add("WORKSPACE_WEBHOOK_SECRET_FILE", "%s", err)
		}
	}
}

func (c *config) checkFlyte(found problems) {
	checkOneOf(found, "FLYTE_API_VERSION", c.FlyteAPIVersion, "v1")
	checkLabel(found, "FLYTE_NAMESPACE", c.FlyteNamespace)
	for i, domain := range c.FlyteDomains {
		checkLabel(found, "FLYTE_DOMAINS", domain)
		if slices.Contains(c.FlyteDomains[:i], domain) {
			found.add("FLYTE_DOMAINS", "names %s twice", domain)
		}
	}
	if c.FlyteAdminCACert == "" {
		return
	}
	if !c.FlyteAdminTLSEnabled {
		found.add("FLYTE_ADMIN_CA_CERT", "is of no use without FLYTE_ADMIN_TLS_ENABLED=true")
	}
	var err error
	if c.flyteCAs, err = textOrFile(c.FlyteAdminCACert); err != nil {
		found.add("FLYTE_ADMIN_CA_CERT", "must be PEM text or a file that can be read")
	}
}

func (c *config) checkNaming(found problems) {
	reserved := append([]string{c.PodNamespace, c.FlyteNamespace, "flyte", "workspace-management"}, c.ReservedNamespaces...)
	var err error
	c.naming, err = workspace.NewNaming(c.NamespaceTemplate, c.NamespacePrefix, c.FlyteDomains, reserved)
	if err != nil {
		found.add("NAMESPACE_TEMPLATE", "%s", err)
	}
}

func checkCIDRs(found problems, variable string, cidrs []string) {
	for _, cidr := range cidrs {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil || prefix.Masked() != prefix || prefix.Bits() == 0 {
			found.add(variable, "%q is no CIDR such as 10.0.0.0/8", cidr)
		}
	}
}

func checkLabel(found problems, variable, value string) {
	if errs := validation.IsDNS1123Label(value); len(errs) > 0 {
		found.add(variable, "%q is no DNS label", value)
	}
}

func checkOneOf(found problems, variable, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		found.add(variable, "must be one of: %v", allowed)
	}
}

func checkAtLeast[T int | time.Duration](found problems, variable string, value, least T) {
	if value < least {
		found.add(variable, "must be at least %v", least)
	}
}
