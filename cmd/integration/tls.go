package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"

	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// checkTLS never repeats an error of the library: a variable may hold a key by mistake.
func (c *config) checkTLS(found problems) {
	checkPair(found, "TLS_CERT_FILE", c.TLSCertFile, "TLS_KEY_FILE", c.TLSKeyFile, func() error {
		if _, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile); err != nil {
			return errServerPair
		}
		return nil
	})
}

// listenTLS makes the edge use TLS if that is configured, with the certificate that the files have at the time. Bad files leave
// the last good one in use.
func (s *service) listenTLS(edge *manager.Server) error {
	if s.cfg.TLSCertFile == "" {
		return nil
	}
	watcher, err := certwatcher.New(s.cfg.TLSCertFile, s.cfg.TLSKeyFile)
	if err != nil {
		return fmt.Errorf("reading TLS_CERT_FILE and TLS_KEY_FILE: %w", err)
	}
	if err := s.mgr.Add(watcher); err != nil {
		return fmt.Errorf("watching TLS_CERT_FILE: %w", err)
	}
	listener, err := net.Listen("tcp", s.cfg.ListenAddress)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	edge.Listener = webhook.ListenTLS(edge.Server, listener, watcher.GetCertificate)
	return nil
}

// trustedProxies are valid: checkCIDRs has checked them.
func (c *config) trustedProxies() []netip.Prefix {
	prefixes := make([]netip.Prefix, len(c.TrustedProxies))
	for i, cidr := range c.TrustedProxies {
		prefixes[i] = netip.MustParsePrefix(cidr)
	}
	return prefixes
}
