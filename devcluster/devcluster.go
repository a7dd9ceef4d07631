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
	startTimeout  = 2 * time.Minute // seconds are normal
	etcdGrace     = 5 * time.Second // for closing a state that is to be used again
)

var (
	errStopped  = errors.New("the cluster was stopped")
	errNotReady = fmt.Errorf("not ready after %s", startTimeout)
)

// Options says how a Cluster is started. The zero value is good for tests.
type Options struct {
	// Dir is the state directory, kept by Stop; a Dir that was used before goes
	// on with its state. Empty means a temporary one that Stop removes.
	Dir string
	// Progress is where long steps say what they do; nil is silent.
	Progress io.Writer
	// AuditLog writes an audit log into Dir: level Metadata, one entry per
	// request when it is answered (a watch: when it begins and when it ends).
	AuditLog bool
	// Profiling lets the API server serve /debug/pprof/ to cluster admins.
	Profiling bool
	// APIServerPort is where the API server listens on 127.0.0.1; 0 is any free port.
	APIServerPort int
	// Token is the cluster-admin token; empty means a random one.
	Token string
	// Nodes is how many nodes kwok plays, with kube-scheduler beside it: pods are scheduled and become ready, and those of a
	// Job complete, but nothing runs. None means neither of the two programs.
	Nodes int
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

// Start builds the binaries where the cache lacks them and starts the plane. It
// returns when /readyz answers ok, the namespace "default" exists and the
// controller manager is healthy, and fails when that takes minutes. ctx bounds the
// start alone: what has been started runs until Stop. When a component fails,
// the error carries the end of its log and nothing is left running.
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

// Stop ends all components and waits for their end; a temporary Dir is removed.
// More calls do nothing.
func (c *Cluster) Stop() {
	c.stopOnce.Do(func() {
		close(c.stopped)
		c.stopProcesses()
		c.state.close()
	})
}

// Wait returns nil when ctx ends or Stop is called, and an error with the end
// of its log when a component has ended by itself.
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

// startAll writes the files and starts the components, again on other ports
// when one of them was taken between our look and the component's.
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

// tokens are the two that the API server knows besides those of ServiceAccounts.
type tokens struct{ admin, controllerManager string }

// bearerToken is what HTTP lets follow "Bearer " (RFC 6750, section 2.1).
var bearerToken = regexp.MustCompile(`^[-A-Za-z0-9._~+/]+=*$`)

func newTokens(admin string) (tokens, error) {
	if admin == "" {
		admin = rand.Text()
	}
	if !bearerToken.MatchString(admin) {
		return tokens{}, errors.New("using the given token: it has characters that a bearer token can't have")
	}
	return tokens{admin: admin, controllerManager: rand.Text()}, nil
}
