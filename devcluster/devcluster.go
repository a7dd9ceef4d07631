package devcluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"
	"time"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
)

const (
	watchInterval = 500 * time.Millisecond
	startTimeout  = 2 * time.Minute // a few seconds are normal
	etcdGrace     = 5 * time.Second // to close data that will be used again
)

var (
	errStopped  = errors.New("the cluster was stopped")
	errNotReady = fmt.Errorf("not ready after %s", startTimeout)
)

// Options configure a Cluster. The zero value is good for tests.
type Options struct {
	// Dir is the state directory. Stop keeps it, and a later Start continues with its state. If it is empty, Stop removes a temporary one.
	Dir string
	// Progress receives a line for each long step, if not nil.
	Progress io.Writer
	// AuditLog writes an audit log into Dir, at level Metadata: one entry for each response (two for a watch, at its start and its end).
	AuditLog bool
	// Profiling makes the API server serve /debug/pprof/ to cluster admins.
	Profiling bool
	// APIServerPort is the API server's port on 127.0.0.1; 0 is any free port.
	APIServerPort int
	// Token is the cluster-admin token; empty means a random one.
	Token string
	// Nodes is how many nodes kwok simulates, with kube-scheduler: pods are scheduled and become ready, and those of a Job complete, but
	// nothing runs. If it is 0, neither program is started.
	Nodes int
	// Node connects a real node instead, if not nil: kube-scheduler runs, and kubelet and kube-proxy have credentials.
	Node *NodeAccess
}

// Cluster is a running control plane. Its methods are safe for concurrent use.
type Cluster struct {
	options  Options
	binaries string
	state    *state
	ports    ports
	tokens   tokens
	caPEM    []byte

	mu                sync.Mutex // guards the processes
	etcd              *process
	apiServer         *process
	controllerManager *process
	scheduler         *process
	kwok              *process
	stopped           chan struct{}
	stopOnce          sync.Once
}

// Start starts a control plane, and first builds the binaries that the cache lacks. It returns when /readyz is ok, the namespace
// "default" exists and the controller manager is healthy. After startTimeout it fails. ctx bounds only the start; the components run
// until Stop. If a component fails, the error has the end of its log, and nothing is left running.
func Start(ctx context.Context, o Options) (*Cluster, error) { return start(ctx, o, o.ports) }

func start(ctx context.Context, o Options, pick func() (ports, error)) (*Cluster, error) {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	dir, err := binaries.ControlPlane(ctx, o.Progress)
	if err != nil {
		return nil, err
	}
	state, err := openState(o.Dir)
	if err != nil {
		return nil, err
	}
	c := &Cluster{options: o, binaries: dir, state: state, stopped: make(chan struct{})}
	if err := c.startAll(ctx, pick); err != nil {
		c.Stop()
		return nil, fmt.Errorf("starting the control plane: %w", err)
	}
	return c, nil
}

// Stop ends all components, waits for their end, and removes a temporary Dir. It may be repeated.
func (c *Cluster) Stop() {
	c.stopOnce.Do(func() {
		close(c.stopped)
		c.stopProcesses()
		c.state.close()
	})
}

// Wait returns nil when ctx ends or Stop is called. If a component exits by itself, it returns an error with the end of its log.
func (c *Cluster) Wait(ctx context.Context) error {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.stopped:
			return nil
		case <-ticker.C:
			if err := c.ended(); err != nil {
				return err
			}
		}
	}
}

func (c *Cluster) isStopped() bool {
	select {
	case <-c.stopped:
		return true
	default:
		return false
	}
}

// startAll writes the files and starts the components. If another process takes a port meanwhile, it starts them again on other ports.
func (c *Cluster) startAll(ctx context.Context, pick func() (ports, error)) error {
	began := time.Now()
	if err := c.writeFiles(); err != nil {
		return err
	}
	if err := retryTakenPorts(pick, func(p ports) error { return c.startOn(ctx, p) }); err != nil {
		return err
	}
	fmt.Fprintf(c.options.Progress, "control plane ready after %.1fs: %s\n", time.Since(began).Seconds(), c.Config().Host)
	return nil
}

func (c *Cluster) startOn(ctx context.Context, p ports) error {
	c.ports = p
	err := c.startProcesses(ctx)
	if err != nil {
		c.stopProcesses()
	}
	return err
}

// tokens are those that the API server accepts besides ServiceAccount tokens.
type tokens struct {
	admin, controllerManager string
	// node is the name of the real node, or empty: then there are no tokens for its programs.
	node, kubelet, kubeProxy string
}

// bearerToken is the syntax of a bearer token (RFC 6750, section 2.1).
var bearerToken = regexp.MustCompile(`^[-A-Za-z0-9._~+/]+=*$`)

func newTokens(admin string, node *NodeAccess) (tokens, error) {
	if admin == "" {
		admin = rand.Text()
	}
	if !bearerToken.MatchString(admin) {
		return tokens{}, errors.New("using the given token: it has characters that are not allowed in a bearer token")
	}
	t := tokens{admin: admin, controllerManager: rand.Text()}
	if node != nil {
		t.node, t.kubelet, t.kubeProxy = node.NodeName, rand.Text(), rand.Text()
	}
	return t, nil
}
