//go:build linux

package k3s

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
	"platform.company.com/workspace-flyte-integration/devcluster/freeport"
	realnode "platform.company.com/workspace-flyte-integration/devcluster/node"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/e2e/sshhost"
)

// realNode is a real node and its control plane, which the stand-in of K3s on a host starts when it is installed.
type realNode struct {
	// dir has its state, and the socket of its containerd. The host has it as /node.
	dir, programs string
	port          int
	// started is closed when cluster is there.
	started chan struct{}
	cluster *realnode.Cluster
}

// startRealHost starts a host with a real node, whose API server will be at the address in the variable API.
func (env *environment) startRealHost(t *testing.T, ts *testscript.TestScript) (*sshhost.Host, *realNode) {
	t.Helper()
	ports, err := freeport.Find(t.Context(), 1)
	harness.Must(t, err)
	n := &realNode{dir: t.TempDir(), port: ports[0], started: make(chan struct{})}
	n.programs, err = binaries.Node(t.Context(), t.Output())
	harness.Must(t, err)
	dir := filepath.Join(t.TempDir(), "dir")
	harness.Must(t, os.WriteFile(dir, []byte(n.dir), 0o600))
	host := sshhost.Start(t, sshhost.Options{SSHD: env.sshd, Keys: env.keys, Disk: "4g", Files: map[string]string{
		"prepare.sh": "testdata/host/preparenode.sh", "node": dir, "ctr": filepath.Join(n.programs, binaries.Ctr),
	}})
	ts.Setenv("API", fmt.Sprintf("127.0.0.1:%d", n.port))
	go n.startWhenAsked(t, host)
	return host, n
}

// startWhenAsked waits until the stand-in asks for the node, starts it, and answers with its kubeconfig, which is empty if it failed.
func (n *realNode) startWhenAsked(t *testing.T, host *sshhost.Host) {
	t.Helper()
	if _, err := os.ReadFile(host.Path("/node-wanted")); err != nil {
		return // the host has ended
	}
	var kubeconfig []byte
	cluster, err := realnode.Start(t.Context(), realnode.Options{Dir: n.dir, Progress: t.Output(), APIServerPort: n.port})
	if err == nil {
		t.Cleanup(cluster.Stop)
		n.cluster = cluster
		close(n.started)
		kubeconfig, err = os.ReadFile(cluster.Kubeconfig())
	}
	if err != nil {
		t.Errorf("starting the node: %v", err)
	}
	if err := os.WriteFile(host.Path("/node-started"), kubeconfig, 0o600); err != nil { //nolint:gosec // of the test's host
		t.Errorf("answering the host: %v", err)
	}
}

// admin waits for the node, and returns a client with all rights.
func (n *realNode) admin(t *testing.T) client.Client {
	t.Helper()
	<-n.started
	admin, err := client.New(n.cluster.Config(), client.Options{})
	harness.Must(t, err)
	return admin
}

// createFlyte runs the double of FlyteAdmin in a pod.
func (n *realNode) createFlyte(t *testing.T) {
	t.Helper()
	admin := n.admin(t)
	tool, err := harness.BuildPodTool(t.Context(), t.TempDir())
	harness.Must(t, err)
	harness.Must(t, n.cluster.Load(t.Context(), realnode.Image{Name: harness.ToolImage, Program: tool}))
	for _, o := range harness.FlyteInPods() {
		harness.Must(t, admin.Create(t.Context(), o))
	}
}

// forward returns the URL of a listener that leads to the service's Service.
func (n *realNode) forward(t *testing.T) string {
	t.Helper()
	var service corev1.Service
	harness.Must(t, n.admin(t).Get(t.Context(), client.ObjectKey{
		Namespace: "platform-services", Name: "workspace-flyte-integration",
	}, &service))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	harness.Must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go n.cluster.Forward(t.Context(), listener, net.JoinHostPort(service.Spec.ClusterIP, "80"))
	return "http://" + listener.Addr().String()
}
