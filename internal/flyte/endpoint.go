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

var errAddress = errors.New("a token endpoint may not be there")

// tokenClient reaches one token endpoint: over https, or over http on the loopback interface; without a proxy, and without
// following redirects. It trusts the system's roots and, beside them, the CA that is given for Flyte.
func (t *TLS) tokenClient(tokenURL string) (*http.Client, error) {
	where, err := url.Parse(tokenURL)
	if err != nil || where.Host == "" || where.Scheme != "https" && where.Scheme != "http" {
		return nil, errors.New("the token endpoint is no https URL")
	}
	roots, err := t.allRoots()
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: tokenTimeout, Control: allow(where.Scheme)}
	return &http.Client{
		Timeout:       tokenTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, DisableKeepAlives: true, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxHeaderBytes,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		},
	}, nil
}

// allRoots are nil, the system's, unless there is a CA beside them.
func (t *TLS) allRoots() (*x509.CertPool, error) {
	if t.CA == nil {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	return roots, t.addCA(roots)
}

// allow looks at the address that a name has led to: no token endpoint is on a link, such as the metadata service of a cloud, and
// without TLS none is elsewhere than here.
func allow(scheme string) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		where, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %w", errAddress, err)
		}
		ip := where.Addr().Unmap().WithZone("")
		if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || isMetadata(ip) || scheme != "https" && !ip.IsLoopback() {
			return errAddress
		}
		return nil
	}
}

// isMetadata knows where clouds answer that is not link-local: AWS and GCP over IPv6, Azure, Alibaba, Oracle.
func isMetadata(ip netip.Addr) bool {
	for _, at := range []string{"fd00:ec2::/32", "fd20:ce::254/128", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32"} {
		if netip.MustParsePrefix(at).Contains(ip) {
			return true
		}
	}
	return false
}
