package flyte

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/netguard"
)

// tokenTimeout is the deadline of one request to the token endpoint; a shorter one of the caller wins.
const tokenTimeout = 5 * time.Second

// tokenClient makes an HTTP client for one token endpoint. It requires https except on the loopback interface, uses no proxy, follows
// no redirect, dials no metadata address, and trusts the system's roots and the CA that is configured for Flyte.
func (t *TLS) tokenClient(tokenURL string) (*http.Client, error) {
	u, err := url.Parse(tokenURL)
	if err != nil {
		return nil, errors.New("the token endpoint is not a URL") // the parser's error repeats it
	}
	if err := netguard.CheckScheme(u); err != nil {
		return nil, fmt.Errorf("the token endpoint %w", err)
	}
	roots, err := t.tokenRoots()
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: tokenTimeout, ControlContext: netguard.DialControl(u.Hostname())}
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
