package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

const (
	socketTimeout  = 30 * time.Second
	socketInterval = 10 * time.Millisecond
)

// program is a running program of the node.
type program struct {
	name string
	err  error
}

// runNode prepares the namespaces of this process, runs the node's programs in them, and returns when one of them has ended.
func runNode(c *config) error {
	runtime.LockOSThread() // the programs die with this thread
	if err := syscall.Sethostname([]byte(Name)); err != nil {
		return fmt.Errorf("naming the node: %w", err)
	}
	for _, step := range []func() error{c.mountAll, func() error { return createCgroups(c.Cgroup) }, c.writeFiles} {
		if err := step(); err != nil {
			return err
		}
	}
	ended := make(chan program, 8)
	if err := c.startWorld(ended); err != nil {
		return err
	}
	go func() { ended <- program{"the CONNECT proxy", serveConnect(c.path(nodeSocket))} }()
	path := "PATH=" + c.Programs + ":" + os.Getenv("PATH") + ":/usr/sbin:/sbin" // containerd finds its shim by it
	for _, command := range c.commands() {
		if err := c.start(ended, append(os.Environ(), path), command...); err != nil {
			return err
		}
		if filepath.Base(command[0]) == "containerd" {
			if err := awaitSocket(c.path(containerdSocket)); err != nil {
				return err
			}
		}
	}
	first := <-ended
	return fmt.Errorf("%s ended: %w; its log is %s", first.name, first.err, c.path(first.name+".log"))
}

func (c *config) startWorld(ended chan<- program) error {
	world := c.itself(worldRole, syscall.CLONE_NEWNET)
	linkIsThere, err := world.StdinPipe()
	if err != nil {
		return fmt.Errorf("starting the world: %w", err)
	}
	if err := world.Start(); err != nil {
		return fmt.Errorf("starting the world in a network of its own: %w", err)
	}
	go func() { ended <- program{"the world", world.Wait()} }()
	if err := setUpNetwork(world.Process.Pid); err != nil {
		return err
	}
	return linkIsThere.Close()
}

func (c *config) start(ended chan<- program, env []string, command ...string) error {
	name := filepath.Base(command[0])
	log, err := os.OpenFile(c.path(name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", name, err)
	}
	defer log.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	go func() { ended <- program{name, cmd.Wait()} }()
	return nil
}

// awaitSocket waits until a program accepts connections.
func awaitSocket(path string) error {
	for deadline := time.Now().Add(socketTimeout); ; <-time.After(socketInterval) {
		conn, err := new(net.Dialer).DialContext(context.Background(), "unix", path)
		if err == nil {
			return conn.Close()
		}
		missing := errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
		if !missing || time.Now().After(deadline) {
			return fmt.Errorf("waiting for a program of the node: %w", err)
		}
	}
}
