// Package networkprobe finds out whether the cluster enforces NetworkPolicies. It dials a pod to which a NetworkPolicy denies all
// connections: if one is made, nothing enforces the policies of workspaces either.
package networkprobe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

const (
	interval    = 10 * time.Second
	dialTimeout = 3 * time.Second // a packet that was lost is sent again after a second
)

// Probe dials the pod at intervals. A nil Probe was not asked for, and says nothing.
type Probe struct {
	address     string
	changed     func(notEnforced bool)
	notEnforced atomic.Bool
	interval    time.Duration
	dialTimeout time.Duration
}

// New returns a Probe of the pod behind a headless Service, HOST:PORT. It calls changed when the answer to [Probe.NotEnforced] changes.
func New(address string, changed func(notEnforced bool)) *Probe {
	return &Probe{address: address, changed: changed, interval: interval, dialTimeout: dialTimeout}
}

// NotEnforced reports whether the newest attempt that says anything reached the pod.
func (p *Probe) NotEnforced() bool { return p != nil && p.notEnforced.Load() }

// Start probes until ctx ends.
func (p *Probe) Start(ctx context.Context) error {
	ticker := time.NewTicker(p.interval)
	defer ticker.Stop()
	for {
		p.try(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// NeedLeaderElection makes every replica probe, so that the next leader knows.
func (*Probe) NeedLeaderElection() bool { return false }

// try dials once. Without a ready pod the name does not resolve, which says nothing. A refused connection does not count as made: some
// network plugins refuse what a policy denies.
func (p *Probe) try(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, p.dialTimeout)
	defer cancel()
	host, port, err := net.SplitHostPort(p.address)
	if err != nil {
		return
	}
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return
	}
	reached := reachAny(ctx, addresses, port)
	if p.notEnforced.Swap(reached) != reached {
		p.changed(reached)
	}
}

// reachAny dials all addresses, and reports whether one of them accepted the connection.
func reachAny(ctx context.Context, addresses []string, port string) (reached bool) {
	for _, address := range addresses {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(address, port))
		if err == nil {
			conn.Close()
			reached = true
		}
	}
	return reached
}

// Serve is the pod: it accepts connections until ctx ends.
func Serve(ctx context.Context, address string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listening for the network probe: %w", err)
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) { // ctx has ended
			return nil
		}
		if err != nil {
			return fmt.Errorf("accepting connections of the network probe: %w", err)
		}
		conn.Close()
	}
}
