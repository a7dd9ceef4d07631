package node

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
	"platform.company.com/workspace-flyte-integration/devcluster/node/machine"
)

const startTimeout = 2 * time.Minute // a dozen seconds are normal

// Options configure a Cluster. The zero value is good for tests.
type Options struct {
	// Dir is the state directory of control plane and node, which Stop keeps. If it is empty, Stop removes temporary ones.
	Dir string
	// Progress receives a line for each long step, if not nil.
	Progress io.Writer
	// AuditLog is that of [devcluster.Options].
	AuditLog bool
	// APIServerPort is that of [devcluster.Options].
	APIServerPort int
	// World are addresses outside the cluster that answer at [WorldPorts].
	World []netip.Addr
}

// Cluster is a running control plane with a running node.
type Cluster struct {
	*devcluster.Cluster

	config     *config
	temporary  bool
	apiServer  net.Listener
	supervisor *supervisor
}

// Start starts a cluster, and first builds the programs that the cache lacks. It returns when the node and the cluster's DNS are ready.
// If it fails, nothing is left running.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	if err := machine.CanRun(); err != nil {
		return nil, err
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	programs, err := binaries.Node(ctx, o.Progress)
	if err != nil {
		return nil, err
	}
	c := &Cluster{config: &config{Programs: programs, World: o.World}}
	if err := c.start(ctx, o); err != nil {
		err = fmt.Errorf("starting the node: %w%s", err, c.lastLog())
		c.Stop()
		return nil, err
	}
	return c, nil
}

// Stop ends the node and the control plane, and returns when all of it is gone. It may be repeated.
func (c *Cluster) Stop() {
	if c.supervisor != nil {
		c.supervisor.stop()
		c.supervisor = nil
	}
	if c.Cluster != nil {
		c.Cluster.Stop()
	}
	if c.apiServer != nil {
		c.apiServer.Close()
	}
	if c.temporary {
		_ = os.RemoveAll(c.config.Dir)
	}
}

// Wait returns nil when ctx ends, or an error when a component has exited by itself.
func (c *Cluster) Wait(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1)
	go func() { failed <- c.Cluster.Wait(ctx) }()
	select {
	case err := <-failed:
		return err
	case <-c.supervisor.exited:
		return fmt.Errorf("the node has ended%s", c.lastLog())
	}
}

// Dial connects to a TCP address from the node, as its root does: policies let it pass.
func (c *Cluster) Dial(ctx context.Context, address string) (net.Conn, error) {
	return dialThrough(ctx, c.config.path(nodeSocket), address)
}

// DialFromWorld connects to a TCP address from outside the cluster, where routes lead to nodes and pods.
func (c *Cluster) DialFromWorld(ctx context.Context, address string) (net.Conn, error) {
	return dialThrough(ctx, c.config.path(worldSocket), address)
}

// Forward joins each connection that the listener accepts with a new one to a TCP address, as [Cluster.Dial] makes it.
func (c *Cluster) Forward(ctx context.Context, listener net.Listener, address string) {
	forward(listener, func() (net.Conn, error) { return c.Dial(ctx, address) })
}

// Cgroup is the name of the node's cgroup, below which the kubelet has those of pods.
func (c *Cluster) Cgroup() string { return c.config.Cgroup }

// Logs is the directory of the logs of the node's programs.
func (c *Cluster) Logs() string { return c.config.Dir }

func (c *Cluster) start(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	began := time.Now()
	if err := c.createDir(o.Dir); err != nil {
		return err
	}
	if err := c.startControlPlane(ctx, o); err != nil {
		return err
	}
	var err error
	if c.supervisor, err = startSupervisor(c.config); err != nil {
		return err
	}
	if err := c.setUp(ctx); err != nil {
		return err
	}
	fmt.Fprintf(o.Progress, "node ready after %.1fs, logs in %s\n", time.Since(began).Seconds(), c.config.Dir)
	return nil
}

func (c *Cluster) createDir(parent string) (err error) {
	if c.temporary = parent == ""; c.temporary {
		c.config.Dir, err = os.MkdirTemp("", "wfi-node-")
	} else {
		if parent, err = filepath.Abs(parent); err == nil {
			c.config.Dir = filepath.Join(parent, "node")
			err = os.RemoveAll(c.config.Dir) // of an earlier run
		}
		if err == nil {
			err = os.MkdirAll(c.config.Dir, 0o700)
		}
	}
	if err != nil {
		return fmt.Errorf("creating the node's directory: %w", err)
	}
	c.config.Cgroup = "wfi-node-" + strings.ToLower(rand.Text()[:8])
	return nil
}

func (c *Cluster) startControlPlane(ctx context.Context, o Options) (err error) {
	c.Cluster, err = devcluster.Start(ctx, devcluster.Options{
		Dir: o.Dir, Progress: o.Progress, AuditLog: o.AuditLog, APIServerPort: o.APIServerPort,
		Node: &devcluster.NodeAccess{NodeName: Name, APIServer: APIServer.AsSlice(), Proxy: c.config.path(nodeSocket)},
	})
	if err != nil {
		return err
	}
	if c.temporary {
		c.config.Remove = []string{filepath.Dir(c.Kubeconfig())}
	}
	if err := c.WriteNodeFiles(c.config.Dir); err != nil {
		return err
	}
	if c.apiServer, err = net.Listen("unix", c.config.path(apiServerSocket)); err != nil {
		return fmt.Errorf("listening for the node: %w", err)
	}
	address := strings.TrimPrefix(c.Config().Host, "https://")
	go forward(c.apiServer, func() (net.Conn, error) { //nolint:contextcheck // it runs until Stop
		return (&net.Dialer{Timeout: dialTimeout}).DialContext(context.Background(), "tcp", address)
	})
	return c.config.write()
}

// lastLog is the end of the node's own log, for an error's text.
func (c *Cluster) lastLog() string {
	text, err := os.ReadFile(c.config.path(logFile))
	if err != nil || len(text) == 0 {
		return ""
	}
	const most = 2000
	return "\n" + strings.TrimSpace(string(text[max(0, len(text)-most):]))
}
