package docker_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"platform.company.com/workspace-flyte-integration/internal/deploy/docker"
)

const kubeconfig = `apiVersion: v1
kind: Config
current-context: flyte
clusters:
- {name: flyte, cluster: {server: "https://flyte.company.com", certificate-authority: ca.pem}}
- {name: other, cluster: {server: "https://other.company.com"}}
users:
- {name: service, user: {token: not-a-token}}
- {name: person, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, interactiveMode: Never}}}
contexts:
- {name: flyte, context: {cluster: flyte, user: service}}
- {name: other, context: {cluster: other, user: person}}
`

// TestKubeconfig: what the container gets has everything in it, and nothing of other clusters.
func TestKubeconfig(t *testing.T) {
	t.Parallel()
	got, err := docker.Kubeconfig(write(t, kubeconfig))
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.Load([]byte(got))
	if err != nil {
		t.Fatal(err)
	}
	if len(config.Clusters) != 1 || len(config.AuthInfos) != 1 || len(config.Contexts) != 1 ||
		string(config.Clusters["flyte"].CertificateAuthorityData) != "a certificate" || config.AuthInfos["service"].Token != "not-a-token" {
		t.Errorf("the container gets\n%s", got)
	}
}

func TestKubeconfig_Refuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, new, want string }{
		"a program":           {"current-context: flyte", "current-context: other", `user "person" gets credentials from a program`},
		"a file with a token": {"token: not-a-token", "tokenFile: token", `user "service" reads its token from a file`},
		"this machine":        {"https://flyte.company.com", "https://127.0.0.1:6443", "is the container itself in a container"},
		"localhost":           {"https://flyte.company.com", "https://localhost:6443", "is the container itself in a container"},
		"no context":          {"current-context: flyte", "", "current"},
		"a file that is gone": {"ca.pem", "gone.pem", "gone.pem"},
	} {
		_, err := docker.Kubeconfig(write(t, strings.Replace(kubeconfig, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func write(t *testing.T, text string) (path string) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"kubeconfig": text, "ca.pem": "a certificate"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "kubeconfig")
}
