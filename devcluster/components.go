package devcluster

import (
	"context"
	"fmt"
	"path/filepath"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
)

// startProcesses starts each component as soon as those that it depends on are ready, and returns when the control plane is ready.
func (c *Cluster) startProcesses(ctx context.Context) error {
	if err := WriteKubeconfig(c.Kubeconfig(), c.Config()); err != nil {
		return err
	}
	if err := WriteKubeconfig(c.state.path(managerKubeconfigFile), c.config(c.tokens.controllerManager)); err != nil {
		return err
	}
	fmt.Fprintf(c.options.Progress, "starting etcd, kube-apiserver and kube-controller-manager, logs in %s\n", c.state.dir)
	if err := c.run(&c.etcd, c.binary(binaries.Etcd), c.etcdFlags()); err != nil {
		return err
	}
	if err := c.waitFor(ctx, etcdListens); err != nil {
		return err
	}
	if err := c.run(&c.apiServer, c.binary(binaries.APIServer), c.apiServerFlags()); err != nil {
		return err
	}
	if err := c.waitFor(ctx, apiServerReady); err != nil {
		return err
	}
	if err := c.run(&c.controllerManager, c.binary(binaries.ControllerManager), c.controllerManagerFlags()); err != nil {
		return err
	}
	if err := c.waitFor(ctx, defaultNamespace, controllerManagerHealthy); err != nil {
		return err
	}
	return c.startNodes(ctx)
}

func (c *Cluster) binary(name string) string { return filepath.Join(c.binaries, name) }

// run starts a component, unless it runs already or the cluster was stopped.
func (c *Cluster) run(slot **process, path string, flags []string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isStopped() {
		return errStopped
	}
	if *slot != nil {
		return fmt.Errorf("starting %s: it is running", filepath.Base(path))
	}
	p, err := startProcess(c.state.dir, path, flags...)
	if err != nil {
		return err
	}
	*slot = p
	return nil
}

// stopProcesses kills the clients of etcd. etcd gets time to close its data, unless the state directory is temporary.
func (c *Cluster) stopProcesses() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kwok.stop(0)
	c.scheduler.stop(0)
	c.controllerManager.stop(0)
	c.apiServer.stop(0)
	if c.state.temporary {
		c.etcd.stop(0)
	} else {
		c.etcd.stop(etcdGrace)
	}
	c.etcd, c.apiServer, c.controllerManager, c.scheduler, c.kwok = nil, nil, nil, nil, nil
}

// ended returns the failure of a component that has exited by itself.
func (c *Cluster) ended() error {
	for _, p := range c.processes() {
		select {
		case <-p.exited:
			return p.failure()
		default:
		}
	}
	return nil
}

func (c *Cluster) processes() []*process {
	c.mu.Lock()
	defer c.mu.Unlock()
	var running []*process
	for _, p := range []*process{c.etcd, c.apiServer, c.controllerManager, c.scheduler, c.kwok} {
		if p != nil {
			running = append(running, p)
		}
	}
	return running
}
