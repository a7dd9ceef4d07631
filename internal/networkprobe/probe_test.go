package networkprobe

import (
	"context"
	"net"
	"testing"
	"time"
)

// pod serves until the test or the returned function ends it.
func pod(t *testing.T) (address string, stop context.CancelFunc) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = free.Addr().String()
	free.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, address) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return address, cancel
}

// start probes at short intervals, and returns the changes.
func start(t *testing.T, address string) (p *Probe, changes <-chan bool) {
	t.Helper()
	changed := make(chan bool)
	p = New(address, func(notEnforced bool) { changed <- notEnforced })
	p.interval, p.dialTimeout = 10*time.Millisecond, time.Second
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case <-changed:
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		}
	})
	return p, changed
}

func TestProbe_ReportsWhatItReaches(t *testing.T) {
	address, stop := pod(t)
	p, changes := start(t, address)
	if reached := <-changes; !reached || !p.NotEnforced() {
		t.Error("a pod that accepts connections was not reached")
	}
	stop()
	if reached := <-changes; reached || p.NotEnforced() {
		t.Error("a pod that refuses connections was reached")
	}
}

func TestProbe_SaysNothingWithoutAPod(t *testing.T) {
	p := New("no-such-host.invalid:8080", func(bool) { t.Error("it reports a change") })
	p.notEnforced.Store(true)
	p.try(t.Context())
	if !p.NotEnforced() {
		t.Error("a name that does not resolve counts as an attempt")
	}
	if (*Probe)(nil).NotEnforced() {
		t.Error("no probe says that policies are not enforced")
	}
}
