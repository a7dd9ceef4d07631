package workspaceservice

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

const testSecret = "whsec_" + "b3V0Ym91bmQtc2VjcmV0LW9mLWEtdGVzdC1vbmx5LTE="

var aMessage = message{
	report: Report{WorkspaceID: "ws-1", Version: 7, Status: StatusReady},
	body:   []byte(`{"workspace_id":"ws-1"}`), hash: "digest", id: "rpt_1",
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newTestClient(t testing.TB, endpoint *url.URL) *Client {
	t.Helper()
	signer, err := signature.NewSigner(testSecret)
	must(t, err)
	return NewClient(ClientOptions{
		Endpoint: endpoint, Signer: func() *signature.Signer { return signer }, TLS: &tls.Config{}, UserAgent: "test",
	})
}

// serve answers like the workspace service.
func serve(t testing.TB, answer http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	endpoint, err := url.Parse(server.URL + "/api/")
	must(t, err)
	return newTestClient(t, endpoint)
}

func TestClient_SignsItsRequests(t *testing.T) {
	keys, err := signature.ParseKeys(testSecret)
	must(t, err)
	verifier := signature.NewVerifier(func() *signature.Keys { return keys }, time.Minute, time.Now)
	var got string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		signed, err := verifier.Verify(r.Header, body)
		if err != nil {
			t.Error(err)
		}
		got = strings.Join([]string{
			r.Method, r.URL.Path, signed.ID, string(body), r.Header.Get("Content-Type"), r.Header.Get("Authorization"), r.UserAgent(),
		}, " ")
		w.WriteHeader(http.StatusNoContent)
	})
	c.Token = func() string { return "token-1" }
	must(t, c.post(t.Context(), aMessage))
	want := `POST /api/workspaces/ws-1/integrations/flyte rpt_1 {"workspace_id":"ws-1"} application/json Bearer token-1 test`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestClient_FollowsNoRedirect(t *testing.T) {
	var followed atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store(true) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, status) })
		err := c.post(t.Context(), aMessage)
		if err == nil || refusal(err) != nil || followed.Load() {
			t.Errorf("%d: %v, followed: %v", status, err, followed.Load())
		}
	}
}

func TestClient_KnowsWhichAnswersToRetry(t *testing.T) {
	for _, test := range []struct {
		status  int
		after   string
		refusal bool
		want    error
	}{
		{status: 200},
		{status: 202},
		{status: 204},
		{status: 400, refusal: true, want: &StatusError{Status: 400}},
		{status: 401, refusal: true, want: &StatusError{Status: 401}},
		{status: 404, refusal: true, want: &StatusError{Status: 404}},
		{status: 409, refusal: true, want: &StatusError{Status: 409}},
		{status: 410, refusal: true, want: &StatusError{Status: 410}},
		{status: 422, refusal: true, want: &StatusError{Status: 422}},
		{status: 408, want: &StatusError{Status: 408}},
		{status: 425, want: &StatusError{Status: 425}},
		{status: 429, after: "7", want: &StatusError{429, 7 * time.Second}},
		{status: 503, after: "86400", want: &StatusError{503, time.Hour}},
		{status: 500, after: "-3", want: &StatusError{Status: 500}},
		{status: 502, after: "soon", want: &StatusError{Status: 502}},
		{status: 599, want: &StatusError{Status: 599}},
	} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", test.after)
			w.WriteHeader(test.status)
		})
		err := errors.Unwrap(c.post(t.Context(), aMessage))
		if diff := cmp.Diff(test.want, err); diff != "" || (refusal(err) != nil) != test.refusal {
			t.Errorf("%d with Retry-After %q: %#v", test.status, test.after, err)
		}
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"Sat, 21 Nov 2026 12:00:09 GMT": 9 * time.Second, "Sat, 21 Nov 2026 11:00:00 GMT": 0, "Sun, 22 Nov 2026 12:00:00 GMT": time.Hour,
		"99999999999999999999": 0, "2147483647": time.Hour,
	} {
		if got := parseRetryAfter(text, now); got != want {
			t.Errorf("Retry-After %q is %v, not %v", text, got, want)
		}
	}
}

// TestClient_BoundsAnswers that never end.
func TestClient_BoundsAnswers(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for line := []byte(strings.Repeat("x", 1<<16)); r.Context().Err() == nil; {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t, c.post(ctx, aMessage))
	large := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Large", strings.Repeat("x", 2*maxHeader))
	})
	if err := large.post(ctx, aMessage); err == nil {
		t.Error("endless headers were read")
	}
}

func TestClient_ErrorsContainNoSecrets(t *testing.T) {
	for _, status := range []int{400, 500} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, r.Header.Get("Authorization")+r.Header.Get("Webhook-Signature")) //nolint:gosec // an echo, no page
		})
		c.Token = func() string { return "hunter2" }
		if err := c.post(t.Context(), aMessage); err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "v1,") {
			t.Error(err)
		}
	}
}

// TestClient_VerifiesTheServer, and sends its own certificate if the server asks for one.
func TestClient_VerifiesTheServer(t *testing.T) {
	var shown int
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		shown = len(r.TLS.PeerCertificates)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()
	endpoint, err := url.Parse(server.URL)
	must(t, err)
	unknown := newTestClient(t, endpoint)
	if err := unknown.post(t.Context(), aMessage); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an untrusted server: %v", err)
	}
	known := newTestClient(t, endpoint)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	known = NewClient(ClientOptions{Endpoint: endpoint, Signer: known.Signer, TLS: &tls.Config{
		RootCAs: roots,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &server.TLS.Certificates[0], nil
		},
	}})
	if err := known.post(t.Context(), aMessage); err != nil || shown != 1 {
		t.Errorf("with roots and a certificate: %v; %d certificates shown", err, shown)
	}
}

// TestClient_DialsNoMetadataAddress by the address itself.
func TestClient_DialsNoMetadataAddress(t *testing.T) {
	for _, host := range []string{"169.254.169.254", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "0.0.0.0"} {
		endpoint, err := url.Parse("https://" + host)
		must(t, err)
		err = newTestClient(t, endpoint).post(t.Context(), aMessage)
		if err == nil || !strings.Contains(err.Error(), "is refused") {
			t.Errorf("%s: %v", host, err)
		}
	}
}
