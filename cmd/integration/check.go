package main

import (
	"errors"
	"math"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/lifecycle"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

const (
	// minTolerance is what clocks and networks need.
	minTolerance = time.Second
	// An idle connection is closed after at least minIdleTimeout, so that senders can reuse it, and at most maxIdleTimeout.
	minIdleTimeout = 5 * time.Second
	maxIdleTimeout = 2 * time.Hour
	// minLeaseRetry keeps replicas from flooding the API server.
	minLeaseRetry = 100 * time.Millisecond
)

// check reports what is wrong with the parsed values, and derives others from them.
func (c *config) check(found problems) {
	c.checkAddresses(found)
	c.checkCluster(found)
	c.checkLease(found)
	checkSecret(found, "WORKSPACE_WEBHOOK_SECRET", c.WebhookSecret, c.WebhookSecretFile, func() error {
		_, err := loadSecret(c.WebhookSecret, c.WebhookSecretFile, signature.ParseKeys)
		return err
	})
	c.checkFlyte(found)
	c.checkNaming(found)
	c.checkTierObjects(found)
	c.checkNetwork(found)
	checkCIDRs(found, "TRUSTED_PROXIES", c.TrustedProxies)
	checkOneOf(found, "API_AUTH", c.APIAuth, apiAuthKubernetes, apiAuthNone)
	c.checkPublicURL(found)
	c.checkTLS(found)
	c.checkWorkspaceAPI(found)
	c.checkTracing(found)
	checkAtLeast(found, "WEBHOOK_TOLERANCE", c.WebhookTolerance, minTolerance)
	checkAtLeast(found, "PROVISION_TIMEOUT", c.ProvisionTimeout, 0)
	checkAtLeast(found, "IDLE_TIMEOUT", c.IdleTimeout, minIdleTimeout)
	if c.IdleTimeout > maxIdleTimeout {
		found.add("IDLE_TIMEOUT", "must be at most %v", maxIdleTimeout)
	}
	checkAtLeast(found, "MAX_WORKSPACES", c.MaxWorkspaces, 1)
	checkOneOf(found, "LOG_LEVEL", strings.ToLower(c.LogLevel), "debug", "info", "warn", "error")
	checkOneOf(found, "LOG_FORMAT", c.LogFormat, "json", "console")
	checkOneOf(found, "DELETION_POLICY", c.DeletionPolicy, string(v1alpha1.DeletionArchive), string(v1alpha1.DeletionDelete))
	checkAtLeast(found, "DELETION_GRACE_PERIOD", c.DeletionGracePeriod, 0)
	checkAtLeast(found, "TOMBSTONE_TTL", c.TombstoneTTL, lifecycle.MinTombstoneTTL)
}

func (c *config) checkTierObjects(found problems) {
	var err error
	if c.objectKinds, err = workspace.ParseObjectKinds(c.TierObjects); err != nil {
		found.add("TIER_OBJECTS", "%v", err)
	}
}

func (c *config) checkAddresses(found problems) {
	checkAddress(found, "LISTEN_ADDRESS", c.ListenAddress)
	checkAddress(found, "METRICS_ADDRESS", c.MetricsAddress)
	checkAddress(found, "FLYTE_ADMIN_ENDPOINT", c.FlyteAdminEndpoint)
	if strings.HasPrefix(c.FlyteAdminEndpoint, ":") {
		found.add("FLYTE_ADMIN_ENDPOINT", "names no host")
	}
	if c.FlyteConsoleURL == "" {
		found.add("FLYTE_CONSOLE_URL", "is required")
		return
	}
	checkBaseURL(found, "FLYTE_CONSOLE_URL", c.FlyteConsoleURL)
}

// checkPublicURL also removes the slash at the end: paths are added to it.
func (c *config) checkPublicURL(found problems) {
	if c.PublicURL != "" {
		checkBaseURL(found, "PUBLIC_URL", c.PublicURL)
		c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	}
}

// checkBaseURL never repeats the value: it may hold a password by mistake.
func checkBaseURL(found problems, variable, text string) {
	base, err := url.Parse(text)
	switch {
	case err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http":
		found.add(variable, "must be an http or https URL")
	case base.User != nil || base.RawQuery != "" || base.Fragment != "":
		found.add(variable, "must have no user, query or fragment: links are made from it")
	}
}

func (c *config) checkCluster(found problems) {
	checkLabel(found, "POD_NAMESPACE", c.PodNamespace)
	if c.PullSecretsNS != "" {
		checkLabel(found, "PULL_SECRETS_NAMESPACE", c.PullSecretsNS)
	}
	if c.PageRollout != "" {
		checkLabel(found, "PAGE_ROLLOUT", c.PageRollout)
	}
	var err error
	if c.rest, err = restConfig(c.Kubeconfig); err != nil {
		found.add("KUBECONFIG", "%s", err)
	}
}

// restConfig is that of the file, or of the cluster that the process runs in.
func restConfig(kubeconfig string) (cfg *rest.Config, err error) {
	if kubeconfig == "" {
		cfg, err = rest.InClusterConfig()
	} else {
		cfg, err = clientcmd.BuildConfigFromFlags("", kubeconfig)
	}
	switch {
	case errors.Is(err, rest.ErrNotInCluster):
		return nil, errors.New("is required outside a cluster")
	case err != nil:
		return nil, err
	}
	cfg.QPS = -1 // API Priority and Fairness decides, not we
	cfg.UserAgent = name + "/" + version
	return cfg, nil
}

// checkLease lets the leader stop before its lease expires, and try a renewal at least twice before it stops. The Lease object
// counts in whole seconds.
func (c *config) checkLease(found problems) {
	checkAtLeast(found, "LEASE_DURATION", c.LeaseDuration, time.Second)
	checkAtLeast(found, "LEASE_RETRY_PERIOD", c.LeaseRetryPeriod, minLeaseRetry)
	for _, variable := range []string{"LEASE_DURATION", "LEASE_RENEW_DEADLINE", "LEASE_RETRY_PERIOD"} {
		if _, wrong := found[variable]; wrong {
			return
		}
	}
	switch {
	case c.LeaseDuration%time.Second != 0:
		found.add("LEASE_DURATION", "must be whole seconds")
	case c.LeaseRenewDeadline >= c.LeaseDuration:
		found.add("LEASE_RENEW_DEADLINE", "must be less than LEASE_DURATION, %s", c.LeaseDuration)
	case 2*c.LeaseRetryPeriod > c.LeaseRenewDeadline:
		found.add("LEASE_RETRY_PERIOD", "must be at most half of LEASE_RENEW_DEADLINE, %s", c.LeaseRenewDeadline)
	}
}

// checkNetwork reads "none" as an empty list: an empty variable is an unset one, which has a default.
func (c *config) checkNetwork(found problems) {
	for variable, cidrs := range map[string]*[]string{"DNS_CIDRS": &c.DNSCIDRs, "EGRESS_EXCEPT_CIDRS": &c.EgressExceptCIDRs} {
		if slices.Equal(*cidrs, []string{"none"}) {
			*cidrs = nil
		}
		checkCIDRs(found, variable, *cidrs)
	}
	if c.NetworkProbe != "" {
		checkAddress(found, "NETWORK_PROBE_ADDRESS", c.NetworkProbe)
	}
	for _, port := range c.FlytePorts {
		if port < 1 || port > math.MaxUint16 {
			found.add("FLYTE_PORTS", "%d is no port: ports are from 1 to %d", port, math.MaxUint16)
		}
	}
}

// checkUnused refuses variables that have no effect without another one.
func checkUnused(found problems, without string, values map[string]string) {
	for variable, value := range values {
		if value != "" {
			found.add(variable, "is of no use without %s", without)
		}
	}
}

func (c *config) checkFlyte(found problems) {
	checkOneOf(found, "FLYTE_API_VERSION", c.FlyteAPIVersion, string(flyte.V1), string(flyte.V2))
	checkLabel(found, "FLYTE_NAMESPACE", c.FlyteNamespace)
	c.checkFlyteTLS(found)
	c.checkFlyteCredentials(found)
	c.checkFlyteTokenURL(found)
	for i, domain := range c.FlyteDomains {
		checkLabel(found, "FLYTE_DOMAINS", domain)
		if slices.Contains(c.FlyteDomains[:i], domain) {
			found.add("FLYTE_DOMAINS", "names %s twice", domain)
		}
	}
}

// checkNaming blames the template only for what is its own fault: it tries it with parts that are right.
func (c *config) checkNaming(found problems) {
	prefix, domains := c.NamespacePrefix, c.FlyteDomains
	if len(validation.IsDNS1123Label(prefix+"a")) > 0 {
		found.add("KUBERNETES_NAMESPACE_PREFIX", "%q can't begin a DNS label", prefix)
		prefix = ""
	}
	if _, wrong := found["FLYTE_DOMAINS"]; wrong {
		domains = []string{"development"}
	}
	c.checkReservedNamespaces(found)
	var err error
	if c.naming, err = workspace.NewNaming(c.NamespaceTemplate, prefix, domains, c.allReservedNamespaces()); err != nil {
		found.add("NAMESPACE_TEMPLATE", "%s", err)
	}
}

// checkReservedNamespaces accepts names, and prefixes of names with a star.
func (c *config) checkReservedNamespaces(found problems) {
	for _, name := range c.ReservedNamespaces {
		if shared, ok := strings.CutSuffix(name, "*"); ok {
			name = shared + "a"
		}
		checkLabel(found, "RESERVED_NAMESPACES", name)
	}
}

// allReservedNamespaces are those of RESERVED_NAMESPACES, and those that this configuration uses otherwise.
func (c *config) allReservedNamespaces() []string {
	reserved := append([]string{c.PodNamespace, c.FlyteNamespace, "flyte", "workspace-management"}, c.ReservedNamespaces...)
	if c.PullSecretsNS != "" {
		reserved = append(reserved, c.PullSecretsNS)
	}
	return reserved
}

func checkAddress(found problems, variable, address string) {
	_, port, err := net.SplitHostPort(address)
	if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil {
		found.add(variable, "must be host:port")
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

// checkOptional is checkOneOf for a variable that may be unset.
func checkOptional(found problems, variable, value string, allowed ...string) {
	if value != "" {
		checkOneOf(found, variable, value, allowed...)
	}
}

func checkOneOf(found problems, variable, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		found.add(variable, "must be one of: %s", strings.Join(allowed, ", "))
	}
}

func checkAtLeast[T int | time.Duration](found problems, variable string, value, least T) {
	if value < least {
		found.add(variable, "must be at least %v", least)
	}
}
