// Package node proves the chart with real pods on a real node: they run, Services route, NetworkPolicies and quotas are enforced. It runs
// only by `make test-node`, which builds what it needs.
package node

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	realnode "platform.company.com/workspace-flyte-integration/devcluster/node"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

const (
	namespace  = "platform-services"
	release    = "workspace-flyte-integration"
	chart      = "../../charts/workspace-flyte-integration"
	repository = "registry.company.com/workspace-flyte-integration"
	// bystanders is a namespace that belongs to no workspace, without policies.
	bystanders    = "bystanders"
	webhookSecret = "webhook"
	secretKey     = "webhook-secret"
)

// environment is the cluster that the tests share.
type environment struct {
	dir, helmPath, image string
	cluster              *realnode.Cluster
	admin                client.WithWatch
	secret               string
	// url is the service's Service, and http reaches it from the node, with a new connection for each request.
	url  string
	http *http.Client
}

var env = &environment{}

func TestMain(m *testing.M) {
	realnode.RunChild()
	ctrl.SetLogger(logr.Discard())
	if os.Getenv(helperVariable) != "" {
		if err := runHelper(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	env.image = os.Getenv("NODE_IMAGE")
	if env.image == "" {
		fmt.Println("SKIP: these tests need a real node and the service's image; make test-node runs them") //nolint:forbidigo // for go test -v
		return
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if env.dir, err = os.MkdirTemp("", "e2e-node"); err != nil {
		return 0, err
	}
	defer os.RemoveAll(env.dir)
	defer func() {
		if env.cluster != nil {
			env.cluster.Stop()
		}
	}()
	if err := env.start(context.Background()); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

func (e *environment) start(ctx context.Context) (err error) {
	if e.helmPath, err = harness.Helm(); err != nil {
		return err
	}
	tool, err := harness.BuildPodTool(ctx, e.dir)
	if err != nil {
		return err
	}
	if e.cluster, err = realnode.Start(ctx, realnode.Options{Progress: os.Stderr, World: worldAddresses()}); err != nil {
		return err
	}
	if err := e.cluster.Load(ctx, realnode.Image{Name: harness.ToolImage, Program: tool}); err != nil {
		return err
	}
	if err := e.cluster.LoadLayout(ctx, e.image, repository+":v1"); err != nil {
		return err
	}
	scheme, err := k8s.NewScheme()
	if err != nil {
		return err
	}
	if e.admin, err = client.NewWithWatch(e.cluster.Config(), client.Options{Scheme: scheme}); err != nil {
		return err
	}
	if err := e.createSurroundings(ctx); err != nil {
		return err
	}
	return e.install(ctx)
}

// createSurroundings creates what a cluster has before the chart: Flyte, other pods, and the secret that senders use.
func (e *environment) createSurroundings(ctx context.Context) error {
	e.secret = signature.NewSecret()
	for _, o := range append(harness.FlyteInPods(),
		namespaceNamed(bystanders), namespaceNamed(namespace),
		&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: webhookSecret}, StringData: map[string]string{secretKey: e.secret},
		},
		agentPod(harness.FlyteNamespace, "blob-store", "9000", "5432"),
		agentPod(bystanders, "pod", "5432"),
	) {
		if err := e.admin.Create(ctx, o); err != nil {
			return fmt.Errorf("creating what surrounds the service: %w", err)
		}
	}
	return nil
}

// install installs the chart as its users do.
func (e *environment) install(ctx context.Context) error {
	text, err := e.helm(ctx, append([]string{"install", release, chart, "--wait", "--timeout", "3m"}, values()...)...)
	if err != nil {
		return fmt.Errorf("installing the chart: %w\n%s", err, text)
	}
	var service corev1.Service
	if err := e.admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: release}, &service); err != nil {
		return fmt.Errorf("reading the Service: %w", err)
	}
	e.url = "http://" + net.JoinHostPort(service.Spec.ClusterIP, "80")
	e.http = &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, address string) (net.Conn, error) { return e.cluster.Dial(ctx, address) },
	}}
	return nil
}

func values(more ...string) []string {
	all := []string{
		"flyte.consoleURL=https://flyte.company.com", "webhook.existingSecret=" + webhookSecret, "image.repository=" + repository,
		"image.tag=v1", "image.pullPolicy=IfNotPresent",
	}
	var args []string
	for _, value := range append(all, more...) {
		args = append(args, "--set", value)
	}
	return args
}

// helm runs Helm's command line as the cluster's admin, with nothing of this machine's own configuration.
func (e *environment) helm(ctx context.Context, args ...string) (output string, err error) {
	cmd := exec.CommandContext(ctx, e.helmPath, append(args, "--namespace", namespace)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+e.cluster.Kubeconfig(),
		"HELM_CONFIG_HOME="+e.dir, "HELM_CACHE_HOME="+e.dir, "HELM_DATA_HOME="+e.dir)
	text, err := cmd.CombinedOutput()
	return string(text), err
}

func namespaceNamed(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

// worldAddresses are the addresses outside the cluster that answer in these tests.
func worldAddresses() (all []netip.Addr) {
	for _, group := range world {
		for _, address := range group {
			all = append(all, netip.MustParseAddr(address))
		}
	}
	return all
}
