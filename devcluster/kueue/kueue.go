// Package kueue runs Kueue's own controller manager beside a devcluster. It installs Kueue's Helm chart with values.yaml, which a cluster
// can use as it is, and the program has the chart's configuration and the permissions of the chart's ServiceAccount. What needs a node is
// done here: the program is started, its webhooks are reached on 127.0.0.1, and the Secret of their certificate becomes files.
package kueue

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
)

const (
	// Namespace is the namespace of Kueue.
	Namespace = "kueue-system"
	// User is Kueue's account, as the API server and admission policies see it.
	User = "system:serviceaccount:" + Namespace + ":" + account

	// Enabled is the variable that `make test-kueue` sets. Tests that need the program, which takes minutes to build, skip without it.
	Enabled = "TEST_KUEUE"

	release       = "kueue"
	account       = release + "-controller-manager"
	webhookSecret = release + "-webhook-server-cert"
)

const (
	readyInterval = 50 * time.Millisecond
	readyTimeout  = 2 * time.Minute
	stopGrace     = 20 * time.Second
)

// Kueue is an installed Kueue, whose controller runs or not.
type Kueue struct {
	admin                      *rest.Config
	dir, binary                string
	kubeconfig, config, health string
	program                    *devcluster.Program
}

// Install installs Kueue's chart, and builds the program first if the cache lacks it. Its files are in dir. Until [Kueue.Start] has
// returned, the API server refuses all that Kueue's webhooks check: queues, and pods and Jobs in namespaces of workspaces.
func Install(ctx context.Context, admin *rest.Config, dir string) (*Kueue, error) {
	binary, err := binaries.Kueue(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	free, err := devcluster.FreeAddresses(ctx, 2)
	if err != nil {
		return nil, err
	}
	k := &Kueue{
		admin: admin, dir: dir, binary: binary, health: free[1],
		kubeconfig: filepath.Join(dir, "kueue.kubeconfig"), config: filepath.Join(dir, "kueue.yaml"),
	}
	port, err := portOf(free[0])
	if err != nil {
		return nil, err
	}
	config, err := applyChart(ctx, admin, port)
	if err != nil {
		return nil, fmt.Errorf("installing Kueue: %w", err)
	}
	text, err := onLoopback(config, loopback{webhookPort: port, health: k.health, certificates: k.certificates()})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(k.config, text, 0o600); err != nil {
		return nil, fmt.Errorf("writing Kueue's configuration: %w", err)
	}
	user, err := devcluster.AccountConfig(ctx, admin, Namespace, account)
	if err != nil {
		return nil, err
	}
	return k, devcluster.WriteKubeconfig(k.kubeconfig, user)
}

func portOf(address string) (int, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(port)
}

// Start runs the program and returns when it is ready: its webhooks answer.
func (k *Kueue) Start(ctx context.Context) (err error) {
	env := []string{"KUBECONFIG=" + k.kubeconfig}
	k.program, err = devcluster.StartProgram(k.dir, env, k.binary, "--config="+k.config, "--zap-log-level=2")
	if err != nil {
		return err
	}
	err = k.writeCertificates(ctx)
	if err == nil {
		err = wait.PollUntilContextTimeout(ctx, readyInterval, readyTimeout, true, k.ready)
	}
	if err != nil {
		k.Kill()
		return fmt.Errorf("starting Kueue: %w; its log is %s", err, k.program.LogPath())
	}
	return nil
}

func (k *Kueue) ready(ctx context.Context) (bool, error) {
	select {
	case <-k.program.Exited():
		return false, k.program.Failure()
	default:
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+k.health+"/readyz", http.NoBody)
	if err != nil {
		return false, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, nil // it does not listen yet
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK, nil
}

// Stop ends the program as a kubelet does. It does nothing if it was never started.
func (k *Kueue) Stop() {
	if k.program != nil {
		k.program.Stop(stopGrace)
	}
}

// Kill sends SIGKILL.
func (k *Kueue) Kill() { k.program.Stop(0) }

// LogPath is the program's log.
func (k *Kueue) LogPath() string { return k.program.LogPath() }
