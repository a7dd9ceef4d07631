package browser

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// behindProxy runs a replica behind a proxy that ends TLS and removes the path /base. prepare may change what the proxy sends on.
func behindProxy(t *testing.T, podName string, prepare func(http.Header)) (base string) {
	t.Helper()
	replica, err := shared.Env().Service.Replica(t.Context(), podName)
	harness.Must(t, err)
	upstream, err := url.Parse(replica.URL)
	harness.Must(t, err)
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(upstream)
		r.SetXForwarded()
		r.Out.URL.Path = strings.TrimPrefix(r.In.URL.Path, "/base")
		r.Out.URL.RawPath = ""
		prepare(r.Out.Header)
	}}
	front := httptest.NewTLSServer(proxy)
	t.Cleanup(front.Close)
	base = front.URL + "/base"
	replica.Set("PUBLIC_URL", base)
	harness.Must(t, replica.Start(t.Context()))
	t.Cleanup(replica.Stop)
	return base
}

// TestBehindAProxy: over TLS and below a path, everything that the page links to, loads and streams is below that path.
func TestBehindAProxy(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	env.Create(t, harness.Data("proxied", 1))
	_, token := account(t, "comes-by-proxy", everything)
	base := behindProxy(t, "behind-a-proxy", func(http.Header) {})
	b := newTab(t)
	b.run(chromedp.Navigate(base + "/ui/workspaces?q=proxied"))
	b.paste(token)
	b.at("/base/ui/workspaces?q=proxied")
	b.shows("Live")
	b.click("tbody th a")
	b.at("/base/ui/workspaces/proxied")
	b.shows("Live")
	b.mark()
	env.Deliver(t, harness.NewMessage(t, workspace.EventSuspended, workspace.Data{WorkspaceID: "proxied", Version: 2}))
	b.awaits("the suspension", `document.querySelector("h1 .badge").textContent === "Suspended"`)
	b.isMarked()
	b.click(".session button")
	b.at("/base/ui/signin")
}

// TestAuthenticatingProxy: with the token that the proxy sends, nobody signs in.
func TestAuthenticatingProxy(t *testing.T) {
	t.Parallel()
	shared.Env().Create(t, harness.Data("signed-in", 1))
	_, token := account(t, "signed-in-by-proxy", everything)
	base := behindProxy(t, "behind-sign-in", func(h http.Header) { h.Set("Authorization", "Bearer "+token) })
	b := newTab(t)
	b.run(chromedp.Navigate(base + "/ui/workspaces/signed-in"))
	b.shows("Team signed-in")
	b.shows("system:serviceaccount:platform-services:signed-in-by-proxy")
	b.shows("Live")
}
