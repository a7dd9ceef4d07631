package devcluster

import (
	"context"
	"fmt"
	"runtime"
	"syscall"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
)

// StopAPIServer kills the API server: connections break at once and new ones
// are refused. What it had answered stays in etcd. Without a running API
// server it does nothing. The controller manager goes with it: one that was just
// starting would end by itself (pkg/controller/namespace/deletion exits where its
// first discovery fails).
func (c *Cluster) StopAPIServer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.controllerManager.stop(0)
	c.apiServer.stop(0)
	c.apiServer, c.controllerManager = nil, nil
}

// StartAPIServer starts it again after StopAPIServer, at the same address with
// the same state and credentials, and returns when /readyz is ok. When it fails
// it can be called again. The controller manager is started, too.
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

// PauseAPIServer makes the API server hang: connections are accepted, nothing
// is answered. When it returns, every thread has stopped.
func (c *Cluster) PauseAPIServer() {
	c.signalAPIServer(syscall.SIGSTOP)
	for !c.apiServerIsPaused() {
		runtime.Gosched()
	}
}

// ResumeAPIServer ends PauseAPIServer; requests that waited are answered.
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

// StopEtcd kills etcd: the API server goes on and answers what needs no storage. Without a running etcd it does nothing.
func (c *Cluster) StopEtcd() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.etcd.stop(0)
	c.etcd = nil
}

// StartEtcd starts it again after StopEtcd with what was in it, and returns when the API server is ready, if it runs.
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
