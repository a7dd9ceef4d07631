package web_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"platform.company.com/workspace-flyte-integration/internal/web"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// A stranger's page must not read a service on loopback by a name of its own that resolves there.
func TestOpen_RefusesOtherHostsOnLoopback(t *testing.T) {
	for _, c := range []struct {
		local, host string
		allowed     bool
	}{
		{"127.0.0.1:8080", "127.0.0.1:8080", true},
		{"127.0.0.1:8080", "localhost:8080", true},
		{"[::1]:8080", "[::1]:8080", true},
		{"127.0.0.1:8080", "workspaces.company.com", true}, // PUBLIC_URL, behind a proxy on this machine
		{"127.0.0.1:8080", "rebound.example.com:8080", false},
		{"127.0.0.1:8080", "127.0.0.1.example.com", false},
		{"127.0.0.1:8080", "", false},
		{"10.0.0.7:8080", "integration.platform-services.svc", true},
	} {
		local, err := net.ResolveTCPAddr("tcp", c.local)
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.WithValue(t.Context(), http.LocalAddrContextKey, local)
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/workspaces", http.NoBody)
		r.Host = c.host
		err = web.NewOpen("https://workspaces.company.com/ui").Authorize(r, web.Access{})
		if c.allowed != (err == nil) || err != nil && workspace.KindOf(err) != workspace.KindForbidden {
			t.Errorf("%s as %q: %v", c.local, c.host, err)
		}
	}
}
