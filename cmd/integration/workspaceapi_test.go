package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

const (
	apiEndpoint = "https://workspaces.company.com/api"
	apiSecret   = "whsec_" + "b3V0Ym91bmQtc2VjcmV0LW9mLWEtdGVzdC1vbmx5LTE="
)

// workspaceAPIVariables configure the client of the workspace service.
func workspaceAPIVariables() []variable {
	with := map[string]string{"WORKSPACE_API_ENDPOINT": apiEndpoint, "WORKSPACE_API_SECRET": apiSecret}
	noPEM := "must be certificates as PEM text, or a file with them that can be read"
	noToken := "must be a file with one token: letters, digits and -._~+/="
	return []variable{
		{
			name: "WORKSPACE_API_ENDPOINT", standard: "", good: apiEndpoint, want: apiEndpoint, with: with,
			bad: map[string]string{
				"workspaces.company.com": "must be an https URL", "ftp://workspaces": "must be an https URL", "https://": "must be an https URL",
				"http://workspaces.company.com": "must be an https URL; http is for loopback only",
				"http://127.0.0.1.company.com":  "must be an https URL; http is for loopback only",
				"https://a:hunter2@workspaces":  "must have no user, query or fragment",
				"https://workspaces?key=x":      "must have no user, query or fragment",
				"https://x\x7f:hunter2@y":       "must be an https URL",
			},
		},
		{name: "WORKSPACE_API_SECRET", standard: "", good: apiSecret, want: apiSecret, with: with, bad: map[string]string{
			"":         "is required, or WORKSPACE_API_SECRET_FILE",
			goodSecret: "shares a secret with the webhooks' secrets: the two directions need secrets of their own",
			"hunter2":  "secret 1: it does not start with whsec_, whsk_ or whpk_",
		}},
		{name: "WORKSPACE_API_SECRET_FILE", standard: "", want: ""},
		{name: "WORKSPACE_API_TOKEN_FILE", standard: "", want: "", with: with, bad: map[string]string{"nowhere": noToken, "/dev/null": noToken}},
		{name: "WORKSPACE_API_CA_CERT", standard: "", good: certificate, want: certificate, with: with, bad: map[string]string{
			"nowhere.pem": noPEM, "-----BEGIN CERTIFICATE-----x": noPEM,
		}},
		{name: "WORKSPACE_API_CLIENT_CERT", standard: "", want: ""},
		{name: "WORKSPACE_API_CLIENT_KEY", standard: "", want: ""},
		{name: "RESYNC_INTERVAL", standard: time.Hour, good: "10m", want: 10 * time.Minute, with: with, bad: map[string]string{
			"0s": "must be at least 1s", "hourly": "is not a duration such as 5m",
		}},
	}
}

func TestConfig_RefusesPartsOfAWorkspaceAPIThatIsOff(t *testing.T) {
	_, wrong := newEnvironment(t).load(map[string]string{
		"WORKSPACE_API_SECRET": apiSecret, "WORKSPACE_API_TOKEN_FILE": "token", "WORKSPACE_API_CA_CERT": certificate,
		"WORKSPACE_API_SECRET_FILE": "file", "WORKSPACE_API_CLIENT_CERT": "cert", "WORKSPACE_API_CLIENT_KEY": "key",
	})
	var want []string
	for _, name := range []string{"CA_CERT", "CLIENT_CERT", "CLIENT_KEY", "SECRET", "SECRET_FILE", "TOKEN_FILE"} {
		want = append(want, "WORKSPACE_API_"+name+": is of no use without WORKSPACE_API_ENDPOINT")
	}
	if diff := cmp.Diff(want, wrong); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestConfig_NamesWhatTheWorkspaceAPILacks(t *testing.T) {
	for name, test := range map[string]struct {
		set  map[string]string
		want string
	}{
		"secret": {nil, "WORKSPACE_API_SECRET: is required, or WORKSPACE_API_SECRET_FILE"},
		"one of two": {
			map[string]string{"WORKSPACE_API_SECRET": apiSecret, "WORKSPACE_API_SECRET_FILE": "file"},
			"WORKSPACE_API_SECRET: must not be set together with WORKSPACE_API_SECRET_FILE",
		},
		"a path": {
			map[string]string{"WORKSPACE_API_SECRET_FILE": apiSecret},
			"WORKSPACE_API_SECRET_FILE: must be a file's path, not a secret itself",
		},
		"a file": {
			map[string]string{"WORKSPACE_API_SECRET_FILE": "nowhere"},
			"WORKSPACE_API_SECRET_FILE: stat nowhere: no such file or directory",
		},
		"key": {
			map[string]string{"WORKSPACE_API_SECRET": apiSecret, "WORKSPACE_API_CLIENT_CERT": certificate},
			"WORKSPACE_API_CLIENT_KEY: must be set together with WORKSPACE_API_CLIENT_CERT",
		},
		"certificate": {
			map[string]string{"WORKSPACE_API_SECRET": apiSecret, "WORKSPACE_API_CLIENT_KEY": "key.pem"},
			"WORKSPACE_API_CLIENT_CERT: must be set together with WORKSPACE_API_CLIENT_KEY",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, wrong := newEnvironment(t).load(map[string]string{"WORKSPACE_API_ENDPOINT": apiEndpoint}, test.set)
			if diff := cmp.Diff([]string{test.want}, wrong); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestConfig_KeepsTheDirectionsApart also when the secrets are in files, and when one changes.
func TestConfig_KeepsTheDirectionsApart(t *testing.T) {
	inbound := writeFile(t, "inbound", goodSecret)
	outbound := writeFile(t, "outbound", apiSecret+" "+goodSecret)
	files := map[string]string{
		"WORKSPACE_WEBHOOK_SECRET": "", "WORKSPACE_WEBHOOK_SECRET_FILE": inbound,
		"WORKSPACE_API_ENDPOINT": apiEndpoint, "WORKSPACE_API_SECRET_FILE": outbound,
	}
	e := newEnvironment(t)
	if _, wrong := e.load(files); len(wrong) != 1 || !strings.Contains(wrong[0], "shares a secret") {
		t.Errorf("one secret for both directions: %q", wrong)
	}
	rewrite(t, outbound, apiSecret)
	cfg, wrong := e.load(files)
	if wrong != nil {
		t.Fatal(wrong)
	}
	signer, err := loadSecret(cfg.WorkspaceAPISecret, cfg.WorkspaceAPISecretFile, cfg.parseSigner)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signature.NewSigner(apiSecret); err != nil || signer.String() != "1 symmetric, 0 public" {
		t.Errorf("the signer is %s, %v", signer, err)
	}

	reread := make(chan error, 1)
	var loaded []string
	keys, err := cfg.webhookKeys(func(k *signature.Keys) { loaded = append(loaded, k.Fingerprints()...) }, func(err error) { reread <- err })
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, inbound, goodSecret+" "+apiSecret)
	for len(reread) == 0 && t.Context().Err() == nil {
		keys() // checks the file once a second
	}
	if err := <-reread; err == nil || !strings.Contains(err.Error(), "shares a secret") || keys().String() != "1 symmetric, 0 public" {
		t.Errorf("the keys are %s, %v", keys(), err)
	}
	if diff := cmp.Diff(keys().Fingerprints(), loaded); diff != "" {
		t.Errorf("keys that are not in force were loaded (-want +got):\n%s", diff)
	}
}

// TestConfig_ReadsTokenAndClientCertificate from their files.
func TestConfig_ReadsTokenAndClientCertificate(t *testing.T) {
	certificate, key := pemPair(t)
	cfg, wrong := newEnvironment(t).load(map[string]string{
		"WORKSPACE_API_ENDPOINT": apiEndpoint, "WORKSPACE_API_SECRET": apiSecret,
		"WORKSPACE_API_TOKEN_FILE":  writeFile(t, "token", "a.b-c_d==\n"),
		"WORKSPACE_API_CLIENT_CERT": writeFile(t, "cert.pem", certificate), "WORKSPACE_API_CLIENT_KEY": writeFile(t, "key.pem", key),
	})
	if wrong != nil {
		t.Fatal(wrong)
	}
	token, err := cfg.workspaceAPIToken(func(error) {})
	if err != nil || token() != "a.b-c_d==" {
		t.Errorf("the token: %v", err)
	}
	if pair, err := cfg.workspaceAPIPair(nil); err != nil || len(pair.Certificate) != 1 {
		t.Errorf("the pair: %v", err)
	}
	cfg.WorkspaceAPIClientKey = key[:len(key)/2]
	if _, err := cfg.workspaceAPIPair(nil); err == nil || strings.Contains(err.Error(), key[40:60]) {
		t.Errorf("half a key: %v", err)
	}
}

func rewrite(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
