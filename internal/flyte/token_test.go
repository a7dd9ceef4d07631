package flyte_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

const (
	clientID     = "workspace-flyte-integration"
	clientSecret = "hunter2 & more%" // must be encoded (RFC 6749, section 2.3.1)
)

// identityProvider issues tokens, over TLS, to the one client that it knows.
type identityProvider struct {
	*httptest.Server

	lifetime int // seconds
	issued   atomic.Int64
	scopes   atomic.Value
	audience atomic.Value
}

func newIdentityProvider(t *testing.T, ca authority, l leaf) *identityProvider {
	t.Helper()
	p := &identityProvider{lifetime: 3600}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(p.token))
	p.TLS = ca.server(t, l)
	p.TLS.NextProtos = nil
	p.StartTLS()
	t.Cleanup(p.Close)
	return p
}

func (p *identityProvider) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	id, secret, _ := r.BasicAuth()
	if r.FormValue("grant_type") != "client_credentials" || id != clientID || secret != "hunter2+%26+more%25" {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprint(w, `{"error":"invalid_client","error_description":"hunter2 is wrong"}`)
		return
	}
	p.scopes.Store(r.FormValue("scope"))
	p.audience.Store(r.FormValue("audience"))
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": fmt.Sprint("token-", p.issued.Add(1)), "token_type": "bearer", "expires_in": p.lifetime,
	})
}

// guarded starts a Flyte over TLS that requires tokens of the identity provider, under its own metadata key.
func guarded(t *testing.T, ca authority, api flyte.API, tokenURL string) *flytetest.Server {
	t.Helper()
	serve := flytetest.Serve
	if api == flyte.V2 {
		serve = flytetest.ServeV2
	}
	server := serve(listenTLS(t, "127.0.0.1:0", ca.server(t, leaf{})))
	t.Cleanup(server.Stop)
	server.RequireToken(flytetest.Auth{
		MetadataKey: "flyte-authorization", TokenURL: tokenURL, Scopes: []string{"all", "offline"}, Audience: "https://flyte.company.com",
		Accepts: func(token string) bool { return strings.HasPrefix(token, "token-") },
	})
	return server
}

func secret(text string) func() (string, error) { return func() (string, error) { return text, nil } }

func TestClient_DiscoversTheTokenEndpoint(t *testing.T) { //nolint:gocognit // one table
	t.Parallel()
	ca := newAuthority(t)
	for _, api := range []flyte.API{flyte.V1, flyte.V2} {
		for configured, want := range map[string]string{"": "all offline", "mine": "mine"} {
			t.Run(string(api)+" "+want, func(t *testing.T) {
				t.Parallel()
				provider := newIdentityProvider(t, ca, leaf{})
				server := guarded(t, ca, api, provider.URL)
				credentials := flyte.ClientCredentials{ID: clientID, Secret: secret(clientSecret), Scopes: strings.Fields(configured)}
				client := newClient(t, flyte.Options{
					Endpoint: server.Addr(), API: api, TLS: &flyte.TLS{CA: text(ca.pem())}, Credentials: &credentials,
				})
				for i := range 5 {
					if _, err := client.EnsureProject(t.Context(), newProject(fmt.Sprint("ws-", i))); err != nil {
						t.Fatal(err)
					}
				}
				if issued := provider.issued.Load(); issued != 1 {
					t.Errorf("%d tokens were fetched, want one", issued)
				}
				if diff := cmp.Diff(want, provider.scopes.Load()); diff != "" {
					t.Errorf("scopes (-want +got):\n%s", diff)
				}
				if got := provider.audience.Load(); got != "https://flyte.company.com" {
					t.Errorf("the audience is %q, want the one that Flyte announces", got)
				}
			})
		}
	}
}

// TestClient_UsesTheConfiguredTokenURL: the configuration overrides what Flyte announces.
func TestClient_UsesTheConfiguredTokenURL(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	provider := newIdentityProvider(t, ca, leaf{})
	server := guarded(t, ca, flyte.V1, "https://192.0.2.1/token")
	client := newClient(t, flyte.Options{
		Endpoint: server.Addr(), TLS: &flyte.TLS{CA: text(ca.pem())},
		Credentials: &flyte.ClientCredentials{ID: clientID, Secret: secret(clientSecret), TokenURL: provider.URL},
	})
	if _, err := client.Version(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestClient_ClassifiesTokenErrors(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t), newAuthority(t)
	redirecting := httptest.NewUnstartedServer(http.RedirectHandler(newIdentityProvider(t, ca, leaf{}).URL, http.StatusTemporaryRedirect))
	redirecting.TLS = ca.server(t, leaf{})
	redirecting.StartTLS()
	t.Cleanup(redirecting.Close)
	good := newIdentityProvider(t, ca, leaf{}).URL
	tests := map[string]struct {
		url, secret string
		want        error
	}{
		"wrong secret":              {good, "wrong", flyte.ErrTokenRefused},
		"nobody there":              {"https://127.0.0.1:1/token", clientSecret, flyte.ErrTokenUnavailable},
		"no URL":                    {"", clientSecret, flyte.ErrTokenUnavailable},
		"no https":                  {"ftp://127.0.0.1/token", clientSecret, flyte.ErrTokenUnavailable},
		"http to somewhere":         {"http://192.0.2.1/token", clientSecret, flyte.ErrTokenUnavailable},
		"the cloud's metadata":      {"https://169.254.169.254/token", clientSecret, flyte.ErrTokenUnavailable},
		"a redirect":                {redirecting.URL, clientSecret, flyte.ErrTokenUnavailable},
		"an expired certificate":    {newIdentityProvider(t, ca, leaf{expired: true}).URL, clientSecret, flyte.ErrCertificateExpired},
		"a certificate's name":      {newIdentityProvider(t, ca, leaf{address: "192.0.2.1"}).URL, clientSecret, flyte.ErrCertificateName},
		"a certificate's authority": {newIdentityProvider(t, other, leaf{}).URL, clientSecret, flyte.ErrCertificateUntrusted},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := guarded(t, ca, flyte.V1, test.url)
			client := newClient(t, flyte.Options{
				Endpoint: server.Addr(), TLS: &flyte.TLS{CA: text(ca.pem())},
				Credentials: &flyte.ClientCredentials{ID: clientID, Secret: secret(test.secret)},
			})
			for range 7 { // beyond the circuit breaker, too
				_, err := client.EnsureProject(t.Context(), newProject("ws-1"))
				wantKind(t, test.want, err)
				if err != nil && strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%q repeats a secret", err)
				}
			}
		})
	}
}

// TestClient_ClassifiesARejectedToken: the token endpoint issues a token that Flyte rejects.
func TestClient_ClassifiesARejectedToken(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	provider := newIdentityProvider(t, ca, leaf{})
	server := guarded(t, ca, flyte.V1, provider.URL)
	server.RequireToken(flytetest.Auth{MetadataKey: "authorization", TokenURL: provider.URL, Accepts: func(string) bool { return false }})
	client := newClient(t, flyte.Options{
		Endpoint: server.Addr(), TLS: &flyte.TLS{CA: text(ca.pem())},
		Credentials: &flyte.ClientCredentials{ID: clientID, Secret: secret(clientSecret)},
	})
	for range 20 {
		_, err := client.EnsureProject(t.Context(), newProject("ws-1"))
		if !errors.Is(err, flyte.ErrUnauthenticated) || errors.Is(err, flyte.ErrTokenRefused) {
			t.Errorf("error is %v, want ErrUnauthenticated alone", err)
		}
	}
	if issued, calls := provider.issued.Load(), server.Calls()["GetProject"]; issued != 1 || calls > 6 {
		t.Errorf("%d tokens were fetched and %d calls made, want one and few", issued, calls)
	}
}

func TestClient_RefreshesTokens(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	provider := newIdentityProvider(t, ca, leaf{})
	provider.lifetime = 1
	server := guarded(t, ca, flyte.V1, provider.URL)
	client := newClient(t, flyte.Options{
		Endpoint: server.Addr(), TLS: &flyte.TLS{CA: text(ca.pem())},
		Credentials: &flyte.ClientCredentials{ID: clientID, Secret: secret(clientSecret)},
	})
	for deadline := time.Now().Add(time.Minute); provider.issued.Load() < 3; {
		if _, err := client.Version(t.Context()); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("tokens are not refreshed")
		}
	}
}
