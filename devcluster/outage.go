package devcluster

import (
	"context"
	"fmt"
	"runtime"
	"syscall"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
)

// StopAPIServer kills the API server, if it runs: connections break at once and new ones are refused. Writes that it confirmed stay in
// etcd. It kills the controller manager, too, which might exit by itself (pkg/controller/namespace/deletion exits if its first
// discovery fails).
func (c *Cluster) StopAPIServer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.controllerManager.stop(0)
	c.apiServer.stop(0)
	c.apiServer, c.controllerManager = nil, nil
}

// StartAPIServer starts both again, at the same address with the same state and credentials, and returns when /readyz is ok. After a
// failure it can be called again.
func (c *Cluster) StartAPIServer(ctx context.Context) error {
	if err := c.run(&c.apiServer, c.binary(binaries.APIServer), c.apiServerFlags()); err != nil {
		return err
	}
	if err := c.waitFor(ctx, apiServerReady); err != nil {
		c.StopAPIServer()
		return fmt.Errorf("starting the API server: %w", err)
	}
	return c.run(&c.controllerManager, c.binary(binaries.ControllerManager), c.controllerManagerFlags())
}

// PauseAPIServer makes the API server hang: the kernel accepts connections, but no request is answered. It returns when every thread has
// stopped.
func (c *Cluster) PauseAPIServer() {
	c.signalAPIServer(syscall.SIGSTOP)
	for !c.apiServerIsPaused() {
		runtime.Gosched()
	}
}

// ResumeAPIServer ends PauseAPIServer. Pending requests are answered.
func (c *Cluster) ResumeAPIServer() { c.signalAPIServer(syscall.SIGCONT) }

func (c *Cluster) apiServerIsPaused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.apiServer == nil || isPaused(c.apiServer.cmd.Process.Pid)
}

func (c *Cluster) signalAPIServer(s syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.apiServer != nil {
		c.apiServer.signal(s)
	}
}

// StopEtcd kills etcd, if it runs. The API server still answers requests that need no storage.
func (c *Cluster) StopEtcd() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.etcd.stop(0)
	c.etcd = nil
}

// StartEtcd starts etcd again with its data. If the API server runs, it returns when that is ready.
func (c *Cluster) StartEtcd(ctx context.Context) error {
	if err := c.run(&c.etcd, c.binary(binaries.Etcd), c.etcdFlags()); err != nil {
		return err
	}
	c.mu.Lock()
	hasAPIServer := c.apiServer != nil
	c.mu.Unlock()
	if !hasAPIServer {
		return c.waitFor(ctx, etcdListens)
	}
	if err := c.waitFor(ctx, apiServerReady); err != nil {
		c.StopEtcd()
		return fmt.Errorf("starting etcd: %w", err)
	}
	return nil
}
