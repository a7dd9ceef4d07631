package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// receiver is a service that accepts requests that are signed with its secret. It is healthy from the second check on.
func receiver(t *testing.T, secret string) *httptest.Server {
	t.Helper()
	keys, err := signature.ParseKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier := signature.NewVerifier(func() *signature.Keys { return keys }, time.Minute, time.Now)
	asked := 0
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		asked++
		if asked == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("POST /webhooks/workspace", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if _, err := verifier.Verify(r.Header, body); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestSelfTest(t *testing.T) {
	t.Parallel()
	const public = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
	secret, other := signature.NewSecret(), signature.NewSecret()
	for name, c := range map[string]struct{ file, says, fails string }{
		"the secret":            {secret, "a signed ping was taken", ""},
		"the secret and a key":  {public + "\n" + secret, "a signed ping was taken", ""},
		"a public key alone":    {public, "no ping was sent", ""},
		"another secret":        {other, "healthy", "answered 401"},
		"a secret that is none": {"whsec_x", "healthy", "reading WORKSPACE_WEBHOOK_SECRET_FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(file, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			err := selfTest(t.Context(), receiver(t, secret).URL+"/", file, &out)
			if !strings.Contains(out.String(), c.says) {
				t.Errorf("it says %q", out.String())
			}
			if (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
				t.Errorf("got %v, want %q", err, c.fails)
			}
		})
	}
}

func TestHealthVersion(t *testing.T) {
	defer func(v, c, d string) { version, commit, date = v, c, d }(version, commit, date)
	if got := healthVersion(); got != "dev" {
		t.Errorf("unknown: %s", got)
	}
	version, commit, date = "v1.2.0", "6d04e1b", "2026-11-21T09:00:00Z"
	if got, want := healthVersion(), "v1.2.0+6d04e1b.20261121T090000Z"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := versionLine(); !strings.HasPrefix(got, "v1.2.0 (commit 6d04e1b, 2026-11-21T09:00:00Z, go1.") {
		t.Errorf("got %s", got)
	}
}
