package k8s

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/url"

	"k8s.io/client-go/rest"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// Certificates are the client certificate of the kubeconfig, if it has one, and the API server's.
func (t *Target) Certificates(ctx context.Context) (all []deploy.Certificate, err error) {
	own := rest.CopyConfig(t.config)
	if err := rest.LoadTLSFiles(own); err != nil {
		return nil, fmt.Errorf("reading the certificate of the kubeconfig: %w", err)
	}
	if block, _ := pem.Decode(own.CertData); block != nil {
		leaf, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading the certificate of the kubeconfig: %w", err)
		}
		all = append(all, deploy.Certificate{Name: "kubeconfig", Expires: leaf.NotAfter})
	}
	leaf, err := t.serverCertificate(ctx, own)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate of the API server: %w", err)
	}
	return append(all, deploy.Certificate{Name: "API server", Expires: leaf.NotAfter}), nil
}

func (*Target) serverCertificate(ctx context.Context, config *rest.Config) (*x509.Certificate, error) {
	server, err := url.Parse(config.Host)
	if err != nil {
		return nil, err
	}
	trusted, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, err
	}
	if trusted.ServerName == "" {
		trusted.ServerName = server.Hostname()
	}
	dialer := &tls.Dialer{Config: trusted}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(server.Hostname(), server.Port()))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0], nil //nolint:forcetypeassert // tls.Dialer returns no other
}
