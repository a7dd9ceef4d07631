//go:build linux

package docker

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/e2e/sshhost"
	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

const (
	namespace = "platform-services"
	release   = "workspace-flyte-integration"
)

// environment is what the scripts share.
type environment struct {
	programs, sshd, engine string
	// archive is a tar of the service's image.
	archive string
	keys    *sshhost.Keys
	cluster *devcluster.Cluster
}

// host is one with an engine.
type host struct {
	*sshhost.Host

	// registry is a registry with the image, and flyte an address that the host reaches as Flyte's.
	registry, flyte string
	// kubeconfig reaches the cluster from the host's containers, by the token.
	kubeconfig []byte
	token      string
}

func start(t *testing.T) *environment {
	t.Helper()
	env := &environment{programs: t.TempDir(), keys: sshhost.NewKeys(t)}
	_, _, err := harness.Build(t.Context(), env.programs)
	harness.Must(t, err)
	// What the program prints is kept, to be searched for secrets.
	wrapper, err := os.ReadFile("testdata/integrationctl.sh")
	harness.Must(t, err)
	harness.Must(t, os.Rename(filepath.Join(env.programs, "integrationctl"), filepath.Join(env.programs, "integrationctl.real")))
	harness.Must(t, os.WriteFile(filepath.Join(env.programs, "integrationctl"), wrapper, 0o700)) //nolint:gosec // it is executed
	env.sshd, err = binaries.SSHServerRoot(t.Context(), t.Output())
	harness.Must(t, err)
	env.engine, err = binaries.DockerEngineRoot(t.Context(), t.Output())
	harness.Must(t, err)
	env.archive = harness.ImageTar(t)
	env.cluster, err = devcluster.Start(t.Context(), devcluster.Options{Progress: t.Output()})
	harness.Must(t, err)
	t.Cleanup(env.cluster.Stop)
	objects, err := deploy.Render(deploy.Options{Namespace: namespace, Values: map[string]any{"install": "target"}})
	harness.Must(t, err)
	harness.Must(t, deploy.Apply(t.Context(), env.cluster.Config(), objects))
	return env
}

// startHost starts a host, and what it reaches at the address of the test.
func (env *environment) startHost(t *testing.T) *host {
	t.Helper()
	cgroup := fmt.Sprintf("/wfi-docker-%d", os.Getpid())
	t.Cleanup(func() { removeCgroups(t, cgroup) })
	dir := t.TempDir()
	engine, parent := filepath.Join(dir, "engine"), filepath.Join(dir, "cgroup")
	harness.Must(t, os.WriteFile(engine, []byte(env.engine), 0o600))
	harness.Must(t, os.WriteFile(parent, []byte(cgroup), 0o600))
	h := &host{Host: sshhost.Start(t, sshhost.Options{
		SSHD: env.sshd, Keys: env.keys, Disk: "4g", OwnNetwork: true,
		Files: map[string]string{"prepare.sh": "testdata/prepare.sh", "start.sh": "testdata/start.sh", "engine": engine, "cgroup": parent},
	})}
	h.registry = h.serve(t, registry(os.Getenv("NODE_IMAGE")))
	h.flyte = relay(t, h.Gateway, "127.0.0.1:1")
	api := relay(t, h.Gateway, strings.TrimPrefix(env.cluster.Config().Host, "https://"))
	h.kubeconfig, h.token = env.kubeconfig(t, api)
	return h
}

// kubeconfig is that of the chart's account, as docs/chart.md makes one.
func (env *environment) kubeconfig(t *testing.T, address string) (text []byte, token string) {
	t.Helper()
	client, err := kubernetes.NewForConfig(env.cluster.Config())
	harness.Must(t, err)
	granted, err := client.CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), release, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(3600))},
	}, metav1.CreateOptions{})
	harness.Must(t, err)
	config, err := clientcmd.LoadFromFile(env.cluster.Kubeconfig())
	harness.Must(t, err)
	harness.Must(t, clientcmd.ResolveLocalPaths(config))
	for _, cluster := range config.Clusters {
		cluster.Server, cluster.TLSServerName = "https://"+address, "127.0.0.1"
	}
	for _, user := range config.AuthInfos {
		user.Token, user.TokenFile, user.ClientCertificate, user.ClientKey = granted.Status.Token, "", "", ""
	}
	text, err = clientcmd.Write(*config)
	harness.Must(t, err)
	return text, granted.Status.Token
}

// profile has the host, its key, and Flyte's address.
const profile = `target: docker
docker:
  host: %s
  user: ops
  host-key: %s
  env: ["FLYTE_CONSOLE_URL=https://flyte.company.com", "FLYTE_ADMIN_ENDPOINT=%s", "FLYTE_ADMIN_TLS_ENABLED=true",
    "FLYTE_CLIENT_ID=integration"]
`

// writeFiles writes what the scripts use: a key for SSH, a profile, the kubeconfig, its token, and an image of another architecture.
func (h *host) writeFiles(dir string, keys *sshhost.Keys) error {
	if err := os.Mkdir(filepath.Join(dir, ".ssh"), 0o700); err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		".ssh/id_ed25519":  keys.User,
		"integration.yaml": []byte(fmt.Sprintf(profile, h.Address, keys.Fingerprint, h.flyte)),
		"flyte.kubeconfig": h.kubeconfig, "token": []byte(h.token), "arm.tar": sshhost.ImageTar("arm64"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// serve serves at the address of the test that the host reaches.
func (h *host) serve(t *testing.T, handler http.Handler) (address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", h.Gateway+":0")
	harness.Must(t, err)
	server := &http.Server{Handler: handler} //nolint:gosec // of a test
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

// relay passes connections on to an address of this machine.
func relay(t *testing.T, ip, to string) (address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", ip+":0")
	harness.Must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			go pass(from, to)
		}
	}()
	return listener.Addr().String()
}

func pass(from net.Conn, to string) {
	defer from.Close()
	other, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", to)
	if err != nil {
		return
	}
	defer other.Close()
	go func() { _, _ = io.Copy(other, from) }()
	_, _ = io.Copy(from, other)
}

// removeCgroups removes the empty cgroups that an engine leaves.
func removeCgroups(t *testing.T, name string) {
	t.Helper()
	remove := exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "-c",
		`for dir in /sys/fs/cgroup"$1" /sys/fs/cgroup/*"$1"; do [ ! -d "$dir" ] || find "$dir" -depth -type d -exec rmdir {} \;; done`,
		"sh", name)
	_ = harness.Poll(context.WithoutCancel(t.Context()), func(context.Context) bool { // until the kernel has finished with the last process
		return remove.Run() == nil
	})
}
