package flyte

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// tokenTimeout is the deadline of one request to the token endpoint; a shorter one of the caller wins.
const tokenTimeout = 5 * time.Second

var errAddress = errors.New("the token endpoint must not have this address")

// tokenClient makes an HTTP client for one token endpoint. It requires https except on the loopback interface, uses no proxy, follows
// no redirect, and trusts the system's roots and the CA that is configured for Flyte.
func (t *TLS) tokenClient(tokenURL string) (*http.Client, error) {
	u, err := url.Parse(tokenURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("the token endpoint is not an https URL")
	}
	roots, err := t.tokenRoots()
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: tokenTimeout, Control: checkAddress(u.Scheme)}
	return &http.Client{
		Timeout:       tokenTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, DisableKeepAlives: true, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxHeaderBytes,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		},
	}, nil
}

// tokenRoots are nil, which means the system's roots, or those and the configured CA.
func (t *TLS) tokenRoots() (*x509.CertPool, error) {
	if t.CA == nil {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	return roots, t.addCA(roots)
}

// checkAddress refuses to dial link-local and metadata addresses, and without https all but the loopback interface. It sees the
// address after name resolution.
func checkAddress(scheme string) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		parsed, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %w", errAddress, err)
		}
		ip := parsed.Addr().Unmap().WithZone("")
		if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || isMetadata(ip) || scheme != "https" && !ip.IsLoopback() {
			return errAddress
		}
		return nil
	}
}

// isMetadata knows the metadata services that are not link-local: AWS and GCP over IPv6, Azure, Alibaba, Oracle.
func isMetadata(ip netip.Addr) bool {
	for _, prefix := range []string{"fd00:ec2::/32", "fd20:ce::254/128", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32"} {
		if netip.MustParsePrefix(prefix).Contains(ip) {
			return true
		}
	}
	return false
}
