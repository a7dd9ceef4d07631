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

// checkTLS never repeats what the library says: a variable may hold a key by mistake.
func (c *config) checkTLS(found problems) {
	switch {
	case c.TLSCertFile == "" && c.TLSKeyFile == "":
		return
	case c.TLSCertFile == "":
		found.add("TLS_CERT_FILE", "must be set together with TLS_KEY_FILE")
	case c.TLSKeyFile == "":
		found.add("TLS_KEY_FILE", "must be set together with TLS_CERT_FILE")
	default:
		if _, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile); err != nil {
			found.add("TLS_CERT_FILE", "and TLS_KEY_FILE must be the files of a certificate and its key, as PEM")
		}
	}
}

// encrypt makes the edge speak TLS, where that is configured, with whatever certificate the files hold at the time. Bad
// files leave the last good one in force.
func (s *service) encrypt(edge *manager.Server) error {
	if s.cfg.TLSCertFile == "" {
		return nil
	}
	watcher, err := certwatcher.New(s.cfg.TLSCertFile, s.cfg.TLSKeyFile)
	if err != nil {
		return fmt.Errorf("reading TLS_CERT_FILE and TLS_KEY_FILE: %w", err)
	}
	if err := s.mgr.Add(watcher); err != nil {
		return fmt.Errorf("adding the watch of the certificate: %w", err)
	}
	listener, err := net.Listen("tcp", s.cfg.ListenAddress)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	edge.Listener = webhook.ListenTLS(edge.Server, listener, watcher.GetCertificate)
	return nil
}

// trustedProxies are valid: they have been checked.
func (c *config) trustedProxies() []netip.Prefix {
	prefixes := make([]netip.Prefix, len(c.TrustedProxies))
	for i, cidr := range c.TrustedProxies {
		prefixes[i] = netip.MustParsePrefix(cidr)
	}
	return prefixes
}
