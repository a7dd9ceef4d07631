package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"platform.company.com/workspace-flyte-integration/internal/netguard"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// Open is the Authorizer for API_AUTH=none: it lets everybody read who reaches the service. On a loopback address, it wants a name of
// loopback or of PUBLIC_URL as Host: a stranger's page in the user's browser could have its own name resolved to that address, and read
// the answers (DNS rebinding).
type Open struct{ publicHost string }

// NewOpen returns an Open for a service at publicURL, which may be empty.
func NewOpen(publicURL string) Open {
	u, err := url.Parse(publicURL)
	if err != nil {
		return Open{}
	}
	return Open{publicHost: u.Hostname()}
}

// Authorize implements Authorizer.
func (o Open) Authorize(r *http.Request, _ Access) error {
	host := hostOf(r)
	if !arrivedOnLoopback(r) || netguard.IsLoopback(strings.ToLower(host)) || o.publicHost != "" && strings.EqualFold(host, o.publicHost) {
		return nil
	}
	return &workspace.Error{Kind: workspace.KindForbidden, Detail: "without authentication, use localhost or the host of PUBLIC_URL"}
}

// hostOf is the host that the client asked for, without a port.
func hostOf(r *http.Request) string { return (&url.URL{Host: r.Host}).Hostname() }

func arrivedOnLoopback(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	address, err := netip.ParseAddrPort(local.String())
	return err == nil && address.Addr().Unmap().IsLoopback()
}
