package deploy_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

const fullName = "workspace-flyte-integration"

func TestRender_RefusesValuesByName(t *testing.T) {
	for name, c := range map[string]struct {
		path  string
		value any
		want  string
	}{
		"no console URL":              {"flyte.consoleURL", "", "flyte.consoleURL is required"},
		"a console that is no URL":    {"flyte.consoleURL", "flyte", "/flyte/consoleURL"},
		"no webhook secret":           {"webhook.existingSecret", "", "webhook.secret or webhook.existingSecret is required"},
		"two webhook secrets":         {"webhook.secret", "whsec_eA==", "webhook.secret and webhook.existingSecret are both set"},
		"an unknown value":            {"replicaCount", 3, "'replicaCount' not allowed"},
		"an unknown nested value":     {"flyte.consoleUrl", "https://x", "/flyte"},
		"a number as text":            {"replicas", "3", "/replicas"},
		"a number where text is":      {"webhook.existingSecret", 3, "/webhook/existingSecret"},
		"a short digest":              {"image.digest", "sha256:0", "/image/digest"},
		"a bad duration":              {"webhook.tolerance", "5", "/webhook/tolerance"},
		"a template without id":       {"workspaces.namespaceTemplate", "{prefix}{domain}", "/workspaces/namespaceTemplate"},
		"no port of Flyte":            {"flyte.ports", []any{}, "/flyte/ports"},
		"a port of Flyte":             {"flyte.ports", []any{0.0}, "/flyte/ports/0"},
		"a range without bits":        {"workspaces.egressExceptCIDRs", []any{"10.0.0.0"}, "/workspaces/egressExceptCIDRs/0"},
		"an unknown Flyte":            {"flyte.apiVersion", "v3", "/flyte/apiVersion"},
		"no Flyte domain":             {"flyte.domains", []any{}, "/flyte/domains"},
		"a tier's bad name":           {"tiers", map[string]any{"Big": map[string]any{}}, "Big"},
		"a misspelt field of a tier":  {"tiers.small", map[string]any{"qouta": map[string]any{}}, "'qouta' not allowed"},
		"a number as amount":          {"tiers.small.quota.default.cpu", 9, "/tiers/small/quota/default/cpu"},
		"a bad amount":                {"tiers.small.quota.default.cpu", "1e3", "/tiers/small/quota/default/cpu"},
		"a minimum above the maximum": {"autoscaling.minReplicas", 9, "autoscaling.minReplicas is 9, which is above"},
		"an endpoint without port":    {"flyte.admin.endpoint", "flyte.company.com", "needs a port"},
		"a name's capitals":           {"fullnameOverride", "Flyte", "fullnameOverride is \"Flyte\", and must be a DNS label"},
		"an account's long name":      {"serviceAccount.name", strings.Repeat("a", 64), "serviceAccount.name"},
		"an endpoint in the clear":    {"workspaceService.endpoint", "http://workspaces.company.com", "/workspaceService/endpoint"},
		"a password in a URL":         {"workspaceService.endpoint", "https://a:hunter2@workspaces", "/workspaceService/endpoint"},
		"nothing to sign with": {
			"workspaceService.endpoint", "https://workspaces.company.com", "workspaceService.existingSecret is required",
		},
		"a token for nobody":     {"workspaceService.tokenKey", "token", "workspaceService.endpoint is required"},
		"a deletion policy":      {"workspaces.deletion.policy", "Purge", "/workspaces/deletion/policy"},
		"a grace period in days": {"workspaces.deletion.gracePeriod", "7d", "/workspaces/deletion/gracePeriod"},
		"a log level":            {"log.level", "verbose", "/log/level"},
		"an authentication":      {"api.auth", "off", "/api/auth"},
		"a public password":      {"api.publicURL", "https://a:hunter2@b", "/api/publicURL"},
	} {
		t.Run(name, func(t *testing.T) {
			values := with(ciValues(t, "default"), c.path, c.value)
			_, err := deploy.Render(deploy.Options{Namespace: namespace, Values: values})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to name %q", err, c.want)
			}
		})
	}
}

// Helm allows names of 53 characters; a Service has at most 63.
func TestRender_NamesFit(t *testing.T) {
	release := strings.Repeat("r", 53)
	objects, err := deploy.Render(deploy.Options{Release: release, Namespace: namespace, Values: ciValues(t, "default")})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if (o.GetKind() == "Service" || o.GetKind() == "Deployment") && len(o.GetName()) > 63 {
			t.Errorf("%s %q has %d characters", o.GetKind(), o.GetName(), len(o.GetName()))
		}
		for key, value := range o.GetLabels() {
			if len(value) > 63 {
				t.Errorf("%s %q: label %s has %d characters", o.GetKind(), o.GetName(), key, len(value))
			}
		}
	}
}

func TestRender_RefusesOptions(t *testing.T) {
	for name, c := range map[string]struct {
		options deploy.Options
		want    string
	}{
		"no namespace":             {deploy.Options{}, "namespace is required"},
		"a release's bad name":     {deploy.Options{Namespace: namespace, Release: "Release"}, `release "Release"`},
		"no version":               {deploy.Options{Namespace: namespace, KubeVersion: "new"}, `version "new"`},
		"Kubernetes that is older": {deploy.Options{Namespace: namespace, KubeVersion: "v1.31.9"}, "needs Kubernetes >=1.32"},
	} {
		t.Run(name, func(t *testing.T) {
			c.options.Values = ciValues(t, "default")
			if _, err := deploy.Render(c.options); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to name %q", err, c.want)
			}
		})
	}
	for _, version := range []string{"v1.32.0", "v1.33.1", "v1.34.3-eks-1a2b3c4", "v1.35.0", "v1.36.3"} {
		options := deploy.Options{Namespace: namespace, KubeVersion: version, Values: ciValues(t, "default")}
		if _, err := deploy.Render(options); err != nil {
			t.Errorf("rendering for Kubernetes %s: %v", version, err)
		}
	}
}

func TestRender_NeverShowsTheSecret(t *testing.T) {
	const secret = "not-the-right-form"
	for _, value := range []any{secret, []any{secret}} {
		values := with(ciValues(t, "per-domain"), "webhook.secret", value)
		_, err := deploy.Render(deploy.Options{Namespace: namespace, Values: values})
		if err == nil || !strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), secret) {
			t.Errorf("got %v, want an error about webhook.secret without it", err)
		}
	}
}

// The variables of the service's contract that this version reads, but for those of the pod and of the Secret.
func TestRender_WiresEveryVariable(t *testing.T) {
	want := []string{
		"API_AUTH", "PUBLIC_URL", "CLUSTER_NAME", "DELETION_GRACE_PERIOD", "DELETION_POLICY", "DNS_CIDRS",
		"EGRESS_EXCEPT_CIDRS", "FLYTE_ADMIN_CA_CERT", "FLYTE_ADMIN_ENDPOINT",
		"FLYTE_ADMIN_TLS_ENABLED", "FLYTE_API_VERSION", "FLYTE_CLIENT_ID", "FLYTE_CONSOLE_URL", "FLYTE_DOMAINS", "FLYTE_NAMESPACE",
		"FLYTE_PORTS", "FLYTE_SCOPES", "FLYTE_TOKEN_URL", "IDLE_TIMEOUT", "KUBERNETES_NAMESPACE_PREFIX",
		"LISTEN_ADDRESS", "LOG_FORMAT", "LOG_LEVEL", "MAX_WORKSPACES", "METRICS_ADDRESS", "NAMESPACE_TEMPLATE",
		"PROVISION_TIMEOUT", "PULL_SECRETS_NAMESPACE", "RESERVED_NAMESPACES", "TOMBSTONE_TTL", "TRUSTED_PROXIES", "WEBHOOK_TOLERANCE",
		"WORKSPACE_WEBHOOK_SECRET_FILE",
	}
	want = append(want, "RESYNC_INTERVAL", "WORKSPACE_API_CA_CERT", "WORKSPACE_API_CLIENT_CERT", "WORKSPACE_API_CLIENT_KEY",
		"WORKSPACE_API_ENDPOINT", "WORKSPACE_API_SECRET_FILE", "WORKSPACE_API_TOKEN_FILE")
	slices.Sort(want)
	values := with(ciValues(t, "default"), "workspaces.maximum", 1e6) // numbers come from YAML as floats
	values = with(values, "workspaces.dnsCIDRs", []any{})             // an empty variable would be an unset one
	values = with(values, "workspaces.egressExceptCIDRs", []any{})
	values = with(values, "flyte.ports", []any{8089.0, 65535.0})
	values = with(values, "workspaceService", map[string]any{
		"endpoint": "https://workspaces.company.com", "existingSecret": "secret", "tokenKey": "token", "clientCertificateSecret": "tls",
	})
	config := find(t, rendered(t, values), "ConfigMap", fullName)
	data, _, err := unstructured.NestedStringMap(config.Object, "data")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(data))); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{
		"DNS_CIDRS": "none", "EGRESS_EXCEPT_CIDRS": "none", "FLYTE_PORTS": "8089,65535", "MAX_WORKSPACES": "1000000",
	} {
		if got := data[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestRender_MountsFlytesSecrets: the ConfigMap has only the paths of their files.
func TestRender_MountsFlytesSecrets(t *testing.T) {
	values := with(ciValues(t, "default"), "flyte.admin.tls.clientSecretName", "flyte-client-tls")
	objects := rendered(t, with(values, "flyte.admin.auth.existingSecret", "flyte-client"))
	data, _, _ := unstructured.NestedStringMap(find(t, objects, "ConfigMap", fullName).Object, "data")
	for variable, want := range map[string]string{
		"FLYTE_ADMIN_CLIENT_CERT":  "/etc/workspace-flyte-integration/flyte-tls/tls.crt",
		"FLYTE_ADMIN_CLIENT_KEY":   "/etc/workspace-flyte-integration/flyte-tls/tls.key",
		"FLYTE_CLIENT_SECRET_FILE": "/etc/workspace-flyte-integration/flyte-client/secret",
	} {
		if data[variable] != want {
			t.Errorf("%s is %q, want %q", variable, data[variable], want)
		}
	}
	volumes, _, _ := unstructured.NestedSlice(find(t, objects, "Deployment", fullName).Object, "spec", "template", "spec", "volumes")
	secrets := map[string]bool{}
	for _, volume := range volumes {
		name, _, _ := unstructured.NestedString(volume.(map[string]any), "secret", "secretName")
		secrets[name] = true
	}
	if !secrets["flyte-client-tls"] || !secrets["flyte-client"] {
		t.Errorf("mounted are %v", secrets)
	}
}

func TestRender_RollsPodsWhenTheConfigChanges(t *testing.T) {
	checksum := func(path string, value any) string {
		deployment := find(t, rendered(t, with(ciValues(t, "per-domain"), path, value)), "Deployment", fullName)
		annotations, _, err := unstructured.NestedStringMap(deployment.Object, "spec", "template", "metadata", "annotations")
		if err != nil {
			t.Fatal(err)
		}
		return annotations["checksum/config"]
	}
	before := checksum("clusterName", "flyte-eks")
	if before == "" || before == checksum("clusterName", "other") {
		t.Error("another setting does not roll the pods")
	}
	if before != checksum("webhook.secret", "whsec_b3RoZXI=") {
		t.Error("another secret rolls the pods, though the service reads it again")
	}
}

func TestRender_BindsTheAccountThatRuns(t *testing.T) {
	objects := rendered(t, with(ciValues(t, "default"), "serviceAccount.name", "robot"))
	find(t, objects, "ServiceAccount", "robot")
	for _, kind := range []string{"ClusterRoleBinding", "RoleBinding"} {
		subjects, _, _ := unstructured.NestedSlice(find(t, objects, kind, fullName).Object, "subjects")
		want := []any{map[string]any{"kind": "ServiceAccount", "name": "robot", "namespace": namespace}}
		if diff := cmp.Diff(want, subjects); diff != "" {
			t.Errorf("%s: %s", kind, diff)
		}
	}
	deployment := find(t, objects, "Deployment", fullName).Object
	account, _, _ := unstructured.NestedString(deployment, "spec", "template", "spec", "serviceAccountName")
	if account != "robot" {
		t.Errorf("the pods run as %q", account)
	}
}

// role is the part of a Role or ClusterRole that matters here.
type role struct {
	Rules []map[string][]string `json:"rules"`
}

func rulesOf(t *testing.T, text []byte) []map[string][]string {
	t.Helper()
	var r role
	if err := yaml.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r.Rules
}

func TestRender_GrantsTheGeneratedRules(t *testing.T) {
	generated, err := os.ReadFile("../../rbac/role.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(find(t, rendered(t, ciValues(t, "default")), "ClusterRole", fullName))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rulesOf(t, generated), rulesOf(t, text)); diff != "" {
		t.Errorf("the chart's ClusterRole is not rbac/role.yaml (-generated +chart):\n%s", diff)
	}
}

func TestRender_HasNoWildcardInAnyRole(t *testing.T) {
	for _, object := range rendered(t, ciValues(t, "default")) {
		if !strings.HasSuffix(object.GetKind(), "Role") {
			continue
		}
		text, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		for _, rule := range rulesOf(t, text) {
			for field, words := range rule {
				if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, "*") || w == "escalate" || w == "impersonate" }) {
					t.Errorf("%s %q: %s %v", object.GetKind(), object.GetName(), field, words)
				}
			}
		}
	}
}
