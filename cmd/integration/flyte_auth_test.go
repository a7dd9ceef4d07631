package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
)

// flyteOnly are the variables that are tested here.
var flyteOnly = []string{"FLYTE_ADMIN_CLIENT_", "FLYTE_CLIENT_", "FLYTE_TOKEN_URL", "FLYTE_SCOPES"}

func TestConfig_TakesFlytesCredentials(t *testing.T) {
	cert, key := newPair(t)
	_, otherKey := newPair(t)
	secretFile := writeFile(t, "client-secret", "hunter2\n")
	const (
		pair   = "FLYTE_ADMIN_CLIENT_CERT: and FLYTE_ADMIN_CLIENT_KEY must be a certificate and its key as PEM text, or files with them"
		noFile = "FLYTE_CLIENT_SECRET_FILE: must be a file that can be read and is not empty"
	)
	tests := map[string]struct {
		set  map[string]string
		want []string
	}{
		"mutual TLS": {map[string]string{"FLYTE_ADMIN_CLIENT_CERT": cert, "FLYTE_ADMIN_CLIENT_KEY": key}, nil},
		"as texts":   {map[string]string{"FLYTE_ADMIN_CLIENT_CERT": read(t, cert), "FLYTE_ADMIN_CLIENT_KEY": read(t, key)}, nil},
		"no key": {
			map[string]string{"FLYTE_ADMIN_CLIENT_CERT": cert},
			[]string{"FLYTE_ADMIN_CLIENT_KEY: must be set together with FLYTE_ADMIN_CLIENT_CERT"},
		},
		"no certificate": {
			map[string]string{"FLYTE_ADMIN_CLIENT_KEY": key},
			[]string{"FLYTE_ADMIN_CLIENT_CERT: must be set together with FLYTE_ADMIN_CLIENT_KEY"},
		},
		"another's key": {map[string]string{"FLYTE_ADMIN_CLIENT_CERT": cert, "FLYTE_ADMIN_CLIENT_KEY": otherKey}, []string{pair}},
		"a key as a file's name": {
			map[string]string{"FLYTE_ADMIN_CLIENT_CERT": cert, "FLYTE_ADMIN_CLIENT_KEY": "hunter2"}, []string{pair},
		},
		"a secret": {map[string]string{"FLYTE_CLIENT_ID": "us", "FLYTE_CLIENT_SECRET": "hunter2"}, nil},
		"everything": {map[string]string{
			"FLYTE_CLIENT_ID": "us", "FLYTE_CLIENT_SECRET_FILE": secretFile, "FLYTE_TOKEN_URL": "https://idp.company.com/token",
			"FLYTE_SCOPES": "all offline",
		}, nil},
		"loopback": {map[string]string{
			"FLYTE_CLIENT_ID": "us", "FLYTE_CLIENT_SECRET": "hunter2", "FLYTE_TOKEN_URL": "http://127.0.0.1:1/token",
		}, nil},
		"no secret": {
			map[string]string{"FLYTE_CLIENT_ID": "us"},
			[]string{"FLYTE_CLIENT_SECRET: is required, or FLYTE_CLIENT_SECRET_FILE"},
		},
		"two secrets": {
			map[string]string{"FLYTE_CLIENT_ID": "us", "FLYTE_CLIENT_SECRET": "hunter2", "FLYTE_CLIENT_SECRET_FILE": secretFile},
			[]string{"FLYTE_CLIENT_SECRET: must not be set together with FLYTE_CLIENT_SECRET_FILE"},
		},
		"no id": {map[string]string{"FLYTE_CLIENT_SECRET": "hunter2"}, []string{"FLYTE_CLIENT_SECRET: is of no use without FLYTE_CLIENT_ID"}},
		"no such file": {
			map[string]string{"FLYTE_CLIENT_ID": "us", "FLYTE_CLIENT_SECRET_FILE": "hunter2"}, []string{noFile},
		},
		"an empty file": {
			map[string]string{"FLYTE_CLIENT_ID": "us", "FLYTE_CLIENT_SECRET_FILE": writeFile(t, "empty", " \n")}, []string{noFile},
		},
		"no client": {
			map[string]string{"FLYTE_TOKEN_URL": "https://idp.company.com", "FLYTE_SCOPES": "all"},
			[]string{"FLYTE_SCOPES: is of no use without FLYTE_CLIENT_ID", "FLYTE_TOKEN_URL: is of no use without FLYTE_CLIENT_ID"},
		},
		"http": {
			map[string]string{"FLYTE_CLIENT_ID": "us", "FLYTE_CLIENT_SECRET": "hunter2", "FLYTE_TOKEN_URL": "http://idp.company.com"},
			[]string{"FLYTE_TOKEN_URL: must be an https URL; http is for loopback only"},
		},
		"a password in the URL": {
			map[string]string{"FLYTE_CLIENT_ID": "us", "FLYTE_CLIENT_SECRET": "x", "FLYTE_TOKEN_URL": "https://us:hunter2@idp.company.com"},
			[]string{"FLYTE_TOKEN_URL: must have no user, query or fragment"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, wrong := newEnvironment(t).load(map[string]string{"FLYTE_ADMIN_TLS_ENABLED": "true"}, test.set)
			if diff := cmp.Diff(test.want, wrong); diff != "" || strings.Contains(strings.Join(wrong, ""), "hunter2") {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestConfig_SendsCredentialsOverTLSOnly(t *testing.T) {
	cert, key := newPair(t)
	_, wrong := newEnvironment(t).load(map[string]string{
		"FLYTE_ADMIN_CLIENT_CERT": cert, "FLYTE_ADMIN_CLIENT_KEY": key, "FLYTE_CLIENT_ID": "us", "FLYTE_CLIENT_SECRET": "hunter2",
	})
	want := []string{
		"FLYTE_ADMIN_CLIENT_CERT: is of no use without FLYTE_ADMIN_TLS_ENABLED=true",
		"FLYTE_CLIENT_ID: is of no use without FLYTE_ADMIN_TLS_ENABLED=true",
	}
	if diff := cmp.Diff(want, wrong); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestConfig_GivesFlytesCredentials: every file is read each time.
func TestConfig_GivesFlytesCredentials(t *testing.T) {
	cert, key := newPair(t)
	secretFile := writeFile(t, "client-secret", "old\n")
	cfg, wrong := newEnvironment(t).load(map[string]string{
		"FLYTE_ADMIN_TLS_ENABLED": "true", "FLYTE_ADMIN_CLIENT_CERT": cert, "FLYTE_ADMIN_CLIENT_KEY": read(t, key),
		"FLYTE_CLIENT_ID": "us", "FLYTE_CLIENT_SECRET_FILE": secretFile, "FLYTE_SCOPES": "all, offline\nmine",
	})
	if wrong != nil {
		t.Fatal(wrong)
	}
	if err := os.WriteFile(secretFile, []byte("new\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	credentials := cfg.flyteCredentials()
	if secret, err := credentials.Secret(); secret != "new" || err != nil {
		t.Errorf("the secret is %q, %v", secret, err)
	}
	if diff := cmp.Diff([]string{"all", "offline", "mine"}, credentials.Scopes); diff != "" {
		t.Error(diff)
	}
	given := cfg.flyteTLS()
	for want, part := range map[string]flyte.PEM{read(t, cert): given.Certificate, read(t, key): given.Key} {
		if text, err := part(); string(text) != want || err != nil {
			t.Errorf("got %s, %v", text, err)
		}
	}
	if given.CA != nil {
		t.Error("there is a CA")
	}
	if plain, _ := newEnvironment(t).load(); plain.flyteTLS() != nil || plain.flyteCredentials() != nil {
		t.Error("there is TLS, or a client, without a setting")
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
