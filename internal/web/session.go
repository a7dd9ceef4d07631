package web

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/netguard"
)

// The cookie of a session holds its token. Browsers refuse the prefix __Host- over plain HTTP, which is for loopback alone.
const (
	secureCookie   = "__Host-workspaces"
	loopbackCookie = "workspaces-loopback"
)

// isDirect reports whether a browser on this machine asks without a proxy, as it does with `make run` and `kubectl port-forward`.
func isDirect(r *http.Request) bool {
	host := hostOf(r)
	isLoopback := netguard.IsLoopback(host) || strings.HasSuffix(host, ".localhost")
	forwarded := cmp.Or(r.Header.Get("Forwarded"), r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Host"))
	return isLoopback && forwarded == ""
}

// cookieName returns the name of the session's cookie. It is empty if the request came over plain HTTP from elsewhere, where a token
// must not be sent.
func (p *Page) cookieName(r *http.Request) string {
	switch {
	case r.TLS != nil:
		return secureCookie
	case isDirect(r):
		return loopbackCookie
	case p.publicURL.Scheme == "https":
		return secureCookie // a proxy ends TLS
	}
	return ""
}

// withSession returns the request with the token of the session's cookie as its bearer token. The header Authorization of a proxy
// comes first.
func (p *Page) withSession(r *http.Request) (with *http.Request, hasCookie bool) {
	name := p.cookieName(r)
	cookie, err := r.Cookie(name)
	if err != nil || len(r.Header.Values("Authorization")) > 0 || p.identifier == nil {
		return r, false
	}
	with = r.Clone(r.Context())
	with.Header.Set("Authorization", "Bearer "+cookie.Value)
	return with, true
}

// setSession keeps a token in the browser until it expires, for maxSession at most. An empty token ends the session.
func (p *Page) setSession(w http.ResponseWriter, r *http.Request, token string) {
	lifetime := maxSession
	if expires := tokenExpiry(token); !expires.IsZero() {
		lifetime = min(lifetime, time.Until(expires))
	}
	name := p.cookieName(r)
	cookie := &http.Cookie{ //nolint:gosec // Secure, except on loopback, where browsers get no TLS
		Name: name, Value: token, Path: "/", MaxAge: max(1, int(lifetime.Seconds())),
		Secure: name == secureCookie, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
	if token == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
}
