package main

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	goodSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	privateKey = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
)

// variable describes one variable, with its good and bad values. bad has the problem of each bad value.
type variable struct {
	name     string
	standard any // what it is when it is not set
	good     string
	want     any
	bad      map[string]string
	with     map[string]string // what else must be set
}

var anAddress = map[string]string{
	"8080": "must be host:port", ":http": "must be host:port", ":65536": "must be host:port", "http://:80": "must be host:port",
}

// variables are all of them, in the order of the contract.
func variables(kubeconfig, secretFile string) []variable { //nolint:revive // a table
	noLabel := map[string]string{"Flyte_System": `"Flyte_System" is no DNS label`, "-": `"-" is no DNS label`}
	cidrs := map[string]string{
		"10.0.0.1/8":  `"10.0.0.1/8" is no CIDR such as 10.0.0.0/8`,
		"10.0.0.0":    `"10.0.0.0" is no CIDR such as 10.0.0.0/8`,
		"0.0.0.0/0":   `"0.0.0.0/0" is no CIDR such as 10.0.0.0/8`,
		"10.0.0.0/8,": `"" is no CIDR such as 10.0.0.0/8`,
	}
	return append(append(workspaceAPIVariables(), otelVariables...), []variable{
		{name: "LISTEN_ADDRESS", standard: ":8080", good: "[::1]:80", want: "[::1]:80", bad: anAddress},
		{name: "METRICS_ADDRESS", standard: ":9090", good: "127.0.0.1:0", want: "127.0.0.1:0", bad: anAddress},
		{name: "PPROF_ENABLED", standard: false, good: "true", want: true, bad: map[string]string{"yes": "is not a true or false"}},
		{
			name: "KUBECONFIG", standard: "", good: kubeconfig, want: kubeconfig,
			bad: map[string]string{
				"": "is required outside a cluster", "nowhere": "stat nowhere: no such file or directory",
				secretFile: "",
			},
		},
		{name: "KUBERNETES_NAMESPACE_PREFIX", standard: "flyte-", good: "ml-", want: "ml-", bad: map[string]string{
			"Flyte-": `"Flyte-" can't begin a DNS label`, strings.Repeat("x", 63): `"` + strings.Repeat("x", 63) + `" can't begin a DNS label`,
		}},
		{
			name: "NAMESPACE_TEMPLATE", standard: "{prefix}{project}", good: "{prefix}{project}-{domain}", want: "{prefix}{project}-{domain}",
			bad: map[string]string{
				"{prefix}{domain}":     "must contain {project} exactly once",
				"{project}{project}":   "must contain {project} exactly once",
				"{project}_{domain}":   "",
				"{{project}}":          "",
				"{prefix}-{namespace}": "must contain {project} exactly once",
			},
		},
		{
			name: "RESERVED_NAMESPACES", standard: []string(nil), good: "istio-system,team-*", want: []string{"istio-system", "team-*"},
			bad: map[string]string{"istio-system, vault": `" vault" is no DNS label`, "*-system": `"*-system" is no DNS label`},
		},
		{name: "MAX_WORKSPACES", standard: 9000, good: "1", want: 1, bad: map[string]string{
			"0": "must be at least 1", "many": "is not a number", "1e3": "is not a number",
		}},
		{name: "QUEUES_ENABLED", standard: false, good: "true", want: true, bad: map[string]string{"yes": "is not a true or false"}},
		{name: "NETWORK_PROBE_ADDRESS", standard: "", good: "probe.example.svc:8080", want: "probe.example.svc:8080", bad: anAddress},
		{name: "PULL_SECRETS_NAMESPACE", standard: "", good: "pull-secrets", want: "pull-secrets", bad: noLabel},
		{
			name: "TIER_OBJECTS", standard: []string(nil), good: "ConfigMap.v1,ExternalSecret.v1.external-secrets.io",
			want: []string{"ConfigMap.v1", "ExternalSecret.v1.external-secrets.io"}, bad: map[string]string{
				"ConfigMap": `"ConfigMap": must be Kind.version.group, such as ExternalSecret.v1.external-secrets.io`,
				"Secret.v1": `"Secret.v1": of Kubernetes' own kinds, only ConfigMap can be a tier's object`,
			},
		},
		{name: "FLYTE_NAMESPACE", standard: "flyte-system", good: "flyte", want: "flyte", bad: noLabel},
		{name: "DNS_CIDRS", standard: []string{"169.254.20.10/32"}, good: "fd00::/8", want: []string{"fd00::/8"}, bad: cidrs},
		{
			name: "EGRESS_EXCEPT_CIDRS", standard: []string{
				"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10",
			}, good: "10.0.0.0/8,fd00::/8", want: []string{"10.0.0.0/8", "fd00::/8"}, bad: cidrs,
		},
		{
			name: "FLYTE_PORTS", standard: []int32{80, 81, 443, 8088, 8089, 9000}, good: "8089,9000", want: []int32{8089, 9000},
			bad: map[string]string{
				"grpc": "is not a number", "80,": "is not a number", "0": "0 is no port: ports are from 1 to 65535",
				"80,65536": "65536 is no port: ports are from 1 to 65535", "none": "is not a number",
			},
		},
		{
			name: "FLYTE_DOMAINS", standard: []string{"development", "staging", "production"}, good: "dev,prod", want: []string{"dev", "prod"},
			bad:  map[string]string{"dev,prod,dev": "names dev twice", "dev,Prod": `"Prod" is no DNS label`, "dev,": `"" is no DNS label`},
			with: map[string]string{"NAMESPACE_TEMPLATE": "{prefix}{project}-{domain}"},
		},
		{
			name: "FLYTE_ADMIN_ENDPOINT", standard: "flyte-admin.flyte-system.svc.cluster.local:81", good: "flyte:81", want: "flyte:81",
			bad: map[string]string{":81": "names no host", "flyte": "must be host:port", "dns:///flyte:81": "must be host:port"},
		},
		{name: "FLYTE_API_VERSION", standard: "v1", good: "v2", want: "v2", bad: map[string]string{"v3": "must be one of: v1, v2"}},
		{name: "FLYTE_ADMIN_TLS_ENABLED", standard: false, good: "true", want: true, bad: map[string]string{"on": "is not a true or false"}},
		{
			name: "FLYTE_ADMIN_CA_CERT", standard: "", good: certificate, want: certificate,
			with: map[string]string{"FLYTE_ADMIN_TLS_ENABLED": "true"},
			bad: map[string]string{
				"nowhere.pem":                  "must be certificates as PEM text, or a file with them that can be read",
				secretFile:                     "must be certificates as PEM text, or a file with them that can be read",
				"-----BEGIN CERTIFICATE-----x": "must be certificates as PEM text, or a file with them that can be read",
			},
		},
		{name: "FLYTE_CONSOLE_URL", standard: "", good: "http://flyte/console", want: "http://flyte/console", bad: map[string]string{
			"": "is required", "flyte.company.com": "must be an http or https URL", "ftp://flyte": "must be an http or https URL",
			"https://": "must be an http or https URL", "javascript:alert(1)": "must be an http or https URL",
			"https://ana:hunter2@flyte": "must have no user, query or fragment: links are made from it",
			"https://flyte?x=hunter2":   "must have no user, query or fragment: links are made from it",
		}},
		{name: "WORKSPACE_WEBHOOK_SECRET", standard: "", good: goodSecret + "\n" + goodSecret, want: goodSecret + "\n" + goodSecret},
		{
			name: "WORKSPACE_WEBHOOK_SECRET_FILE", standard: "", good: secretFile, want: secretFile,
			with: map[string]string{"WORKSPACE_WEBHOOK_SECRET": ""},
			bad: map[string]string{
				"nowhere":  "stat nowhere: no such file or directory",
				goodSecret: "must be a file's path, not a secret itself",
				privateKey: "must be a file's path, not a secret itself",
			},
		},
		{name: "WEBHOOK_TOLERANCE", standard: 5 * time.Minute, good: "90s", want: 90 * time.Second, bad: map[string]string{
			"0s": "must be at least 1s", "-5m": "must be at least 1s", "5": "is not a duration such as 5m",
		}},
		{name: "DELETION_POLICY", standard: "Archive", good: "Delete", want: "Delete", bad: map[string]string{
			"delete": "must be one of: Archive, Delete",
		}},
		{name: "DELETION_GRACE_PERIOD", standard: 168 * time.Hour, good: "0s", want: time.Duration(0), bad: map[string]string{
			"-1s": "must be at least 0s", "7d": "is not a duration such as 5m",
		}},
		{name: "TOMBSTONE_TTL", standard: 720 * time.Hour, good: "1h", want: time.Hour, bad: map[string]string{"59m": "must be at least 1h0m0s"}},
		{name: "PROVISION_TIMEOUT", standard: 25 * time.Second, good: "0s", want: time.Duration(0), bad: map[string]string{
			"-1s": "must be at least 0s", "soon": "is not a duration such as 5m",
		}},
		{name: "IDLE_TIMEOUT", standard: 2 * time.Minute, good: "620s", want: 620 * time.Second, bad: map[string]string{
			"4s": "must be at least 5s", "0s": "must be at least 5s", "3h": "must be at most 2h0m0s", "620": "is not a duration such as 5m",
		}},
		{name: "TRUSTED_PROXIES", standard: []string(nil), good: "10.0.0.0/8,fd00::/8", want: []string{"10.0.0.0/8", "fd00::/8"}, bad: cidrs},
		{name: "API_AUTH", standard: "kubernetes", good: "none", want: "none", bad: map[string]string{
			"None": "must be one of: kubernetes, none", "off": "must be one of: kubernetes, none",
		}},
		{name: "PUBLIC_URL", standard: "", good: "https://a.b/workspaces-api/", want: "https://a.b/workspaces-api", bad: map[string]string{
			"a.b": "must be an http or https URL", "https:///x": "must be an http or https URL", "ftp://a.b": "must be an http or https URL",
			"https://ana:hunter2@a.b": "must have no user, query or fragment: links are made from it",
			"https://a.b?x=hunter2":   "must have no user, query or fragment: links are made from it",
		}},
		{name: "PAGE_ROLLOUT", standard: "", good: "integration", want: "integration", bad: map[string]string{"A/b": `"A/b" is no DNS label`}},
		{name: "CLUSTER_NAME", standard: "flyte-eks", good: "edge", want: "edge"},
		{name: "LOG_LEVEL", standard: "info", good: "DEBUG", want: "DEBUG", bad: map[string]string{
			"fatal": "must be one of: debug, info, warn, error", "5": "must be one of: debug, info, warn, error",
		}},
		{name: "LOG_FORMAT", standard: "json", good: "console", want: "console", bad: map[string]string{"text": "must be one of: json, console"}},
		{name: "LEASE_DURATION", standard: 15 * time.Second, good: "1m", want: time.Minute, bad: map[string]string{
			"0s": "must be at least 1s", "15500ms": "must be whole seconds", "15": "is not a duration such as 5m",
		}},
		{name: "LEASE_RENEW_DEADLINE", standard: 10 * time.Second, good: "14s", want: 14 * time.Second, bad: map[string]string{
			"15s": "must be less than LEASE_DURATION, 15s", "soon": "is not a duration such as 5m",
		}},
		{name: "LEASE_RETRY_PERIOD", standard: 2 * time.Second, good: "5s", want: 5 * time.Second, bad: map[string]string{
			"0s": "must be at least 100ms", "6s": "must be at most half of LEASE_RENEW_DEADLINE, 10s", "2": "is not a duration such as 5m",
		}},
		{name: "POD_NAME", standard: "", good: "integration-0", want: "integration-0"},
		{name: "POD_NAMESPACE", standard: "platform-services", good: "ops", want: "ops", bad: noLabel},
	}...)
}

// certificate is a CA's, of no use anywhere.
const certificate = `-----BEGIN CERTIFICATE-----
MIIBdDCCARugAwIBAgIUKmOlZobfN/y0sfYJLD3vupNCcmMwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjAxMTI0NDZaGA8yMTI2MTAyNzExMjQ0
NlowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABG5z
NUHCOf+4jTHW9Aqfp5IwCFVbXSpicC4SvXLwqv+WxgWC1TUFF9sIvWKTDjUD3mgb
oNUSN/o+HiKuKYKLsLijUzBRMB0GA1UdDgQWBBTsh8tXgjH2MJF7Cvd9rD3bjWOx
HzAfBgNVHSMEGDAWgBTsh8tXgjH2MJF7Cvd9rD3bjWOxHzAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0cAMEQCIHTmxBUkfYMGhgtbIsbzKE5zct3z02jDN3SF
x+cx061YAiBrlva+4R8giho3zEG58E5rozqeXxaW3GFmzOPbwujNCQ==
-----END CERTIFICATE-----
`

// environment is a good one, without a variable more than is needed.
type environment struct {
	values                 map[string]string
	kubeconfig, secretFile string
}

func newEnvironment(t *testing.T) environment {
	t.Helper()
	e := environment{
		kubeconfig: writeFile(t, "kubeconfig", `{"clusters":[{"name":"a","cluster":{"server":"http://127.0.0.1:1"}}],`+
			`"contexts":[{"name":"a","context":{"cluster":"a"}}],"current-context":"a"}`),
		secretFile: writeFile(t, "secret", goodSecret),
	}
	e.values = map[string]string{
		"KUBECONFIG": e.kubeconfig, "FLYTE_CONSOLE_URL": "https://flyte.company.com", "WORKSPACE_WEBHOOK_SECRET": goodSecret,
	}
	return e
}

func writeFile(t *testing.T, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load reads the environment with these changes.
func (e environment) load(changes ...map[string]string) (cfg *config, wrong []string) {
	values := maps.Clone(e.values)
	for _, change := range changes {
		maps.Copy(values, change)
	}
	var environ []string
	for name, value := range values {
		environ = append(environ, name+"="+value)
	}
	return loadConfig(environ)
}

// value is the field that a variable sets.
func value(cfg *config, variable string) any {
	for field, v := range reflect.ValueOf(*cfg).Fields() {
		if field.Tag.Get("env") == variable {
			return v.Interface()
		}
	}
	return nil
}

func TestConfig_TakesEachVariable(t *testing.T) {
	e := newEnvironment(t)
	for _, v := range variables(e.kubeconfig, e.secretFile) {
		t.Run(v.name, func(t *testing.T) {
			for _, unset := range []string{"", "  \n"} { // an empty variable is an unset one
				cfg, _ := e.load(map[string]string{v.name: unset})
				if diff := cmp.Diff(v.standard, value(cfg, v.name)); diff != "" {
					t.Errorf("set to %q (-want +got):\n%s", unset, diff)
				}
			}
			cfg, wrong := e.load(v.with, map[string]string{v.name: v.good})
			if diff := cmp.Diff(v.want, value(cfg, v.name)); diff != "" || wrong != nil {
				t.Errorf("set to %q: %q (-want +got):\n%s", v.good, wrong, diff)
			}
		})
	}
}

func TestConfig_RefusesBadValuesInOneLineEach(t *testing.T) {
	e := newEnvironment(t)
	for _, v := range variables(e.kubeconfig, e.secretFile) {
		for bad, problem := range v.bad {
			t.Run(v.name+"="+bad, func(t *testing.T) {
				_, wrong := e.load(v.with, map[string]string{v.name: bad})
				if len(wrong) != 1 || !strings.HasPrefix(wrong[0], v.name+": "+problem) || problem != "" && wrong[0] != v.name+": "+problem {
					t.Fatalf("the problems are %q, want %q", wrong, v.name+": "+problem)
				}
				if strings.Contains(wrong[0], "\n") {
					t.Errorf("%q is more than a line", wrong[0])
				}
			})
		}
	}
}

func TestConfig_EveryVariableIsInTheTable(t *testing.T) {
	known := map[string]bool{}
	for _, v := range variables("", "") {
		known[v.name] = true
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[config]()) {
		name := field.Tag.Get("env")
		elsewhere := slices.ContainsFunc(append(flyteOnly, "TLS_"), func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		if name != "" && !known[name] && !elsewhere { // flyte_auth_test.go, tls_test.go
			t.Errorf("%s is not tested", name)
		}
	}
}

func TestConfig_RefusesWebhookSecretsWithoutRepeatingThem(t *testing.T) {
	const short = "whsec_c2hvcnQ="
	empty := writeFile(t, "empty", " \n")
	private := writeFile(t, "private", privateKey)
	const onlySigns = "a whsk_ private key can only sign: give its public key (whpk_)"
	tests := map[string]struct{ secret, file, want string }{
		"none":        {"", "", "WORKSPACE_WEBHOOK_SECRET: is required, or WORKSPACE_WEBHOOK_SECRET_FILE"},
		"both":        {goodSecret, private, "WORKSPACE_WEBHOOK_SECRET: must not be set together with WORKSPACE_WEBHOOK_SECRET_FILE"},
		"private key": {privateKey, "", "WORKSPACE_WEBHOOK_SECRET: secret 1: " + onlySigns},
		"short":       {short, "", "WORKSPACE_WEBHOOK_SECRET: secret 1: a whsec_ secret has 24 to 64 bytes"},
		"no prefix":   {"hunter2hunter2", "", "WORKSPACE_WEBHOOK_SECRET: secret 1: it does not start with whsec_, whsk_ or whpk_"},
		"several": {privateKey + " " + goodSecret + " hunter2", "", "WORKSPACE_WEBHOOK_SECRET: secret 1: " + onlySigns +
			"; secret 3: it does not start with whsec_, whsk_ or whpk_"},
		"empty file": {"", empty, "WORKSPACE_WEBHOOK_SECRET_FILE: there is no secret"},
		"a bad file": {"", private, "WORKSPACE_WEBHOOK_SECRET_FILE: secret 1: " + onlySigns},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, wrong := newEnvironment(t).load(map[string]string{
				"WORKSPACE_WEBHOOK_SECRET": test.secret, "WORKSPACE_WEBHOOK_SECRET_FILE": test.file,
			})
			if diff := cmp.Diff([]string{test.want}, wrong); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, never := range []string{strings.TrimPrefix(privateKey, "whsk_"), "c2hvcnQ", "hunter2"} {
				if strings.Contains(strings.Join(wrong, "\n"), never) {
					t.Errorf("%q repeats a secret", wrong)
				}
			}
		})
	}
}

// TestConfig_BlamesOneVariableForOneMistake: a mistake in a part is not reported again for the whole.
func TestConfig_BlamesOneVariableForOneMistake(t *testing.T) {
	_, wrong := newEnvironment(t).load(map[string]string{
		"NAMESPACE_TEMPLATE": "{prefix}{domain}", "KUBERNETES_NAMESPACE_PREFIX": "Ml-", "FLYTE_DOMAINS": "dev,dev",
		"FLYTE_ADMIN_CA_CERT": certificate,
	})
	want := []string{
		"FLYTE_ADMIN_CA_CERT: is of no use without FLYTE_ADMIN_TLS_ENABLED=true",
		"FLYTE_DOMAINS: names dev twice",
		`KUBERNETES_NAMESPACE_PREFIX: "Ml-" can't begin a DNS label`,
		"NAMESPACE_TEMPLATE: must contain {project} exactly once",
	}
	if diff := cmp.Diff(want, wrong); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An empty variable is an unset one, which has a default: an empty list needs a word.
func TestConfig_NoneIsAnEmptyListOfCIDRs(t *testing.T) {
	for _, variable := range []string{"DNS_CIDRS", "EGRESS_EXCEPT_CIDRS"} {
		cfg, wrong := newEnvironment(t).load(map[string]string{variable: "none"})
		if cidrs := value(cfg, variable); wrong != nil || len(cidrs.([]string)) > 0 {
			t.Errorf("%s is %q, and %q", variable, cidrs, wrong)
		}
		if _, wrong := newEnvironment(t).load(map[string]string{variable: "none,10.0.0.0/8"}); wrong == nil {
			t.Errorf("%s: none is taken beside an address", variable)
		}
	}
}
