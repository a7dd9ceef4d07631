package node

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
)

// supervisor is the process that outlives the node and this process, to clean up after both.
type supervisor struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	exited chan struct{}
}

func startSupervisor(c *config) (*supervisor, error) {
	log, err := os.OpenFile(c.path(logFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the node's log: %w", err)
	}
	defer log.Close()
	cmd := c.itself(supervisorRole, 0)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // it outlives this process, and a closed terminal
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the node's supervisor: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the node's supervisor: %w", err)
	}
	s := &supervisor{cmd: cmd, stdin: stdin, exited: make(chan struct{})}
	go func() {
		defer close(s.exited)
		_ = cmd.Wait() // its log says how it ended
	}()
	return s, nil
}

// stop ends the node and returns when all of it is gone.
func (s *supervisor) stop() {
	_, _ = s.stdin.Write([]byte{stopNode}) // fails only if the supervisor has exited
	s.stdin.Close()
	<-s.exited
}

// stopNode is what a living parent sends; a killed one just closes the pipe.
const stopNode = 's'

// supervise runs the node until the parent stops it or is killed, and removes what a process can leave behind.
func supervise(c *config) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP) // the parent decides
	runtime.LockOSThread()                                         // the node dies with this thread
	const namespaces = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC
	node := c.itself(initRole, namespaces)
	if err := node.Start(); err != nil {
		return fmt.Errorf("starting the node in namespaces of its own: %w", err)
	}
	killed := make(chan bool, 1)
	go func() {
		message, _ := io.ReadAll(os.Stdin)
		killed <- len(message) == 0
		_ = node.Process.Kill() // fails only if it has exited
	}()
	err := node.Wait() // the kernel has ended all processes of the node by then
	if left := removeCgroups(c.Cgroup); left != nil {
		err = errors.Join(err, left)
	}
	select {
	case parentKilled := <-killed:
		if parentKilled {
			for _, dir := range append(c.Remove, c.Dir) {
				err = errors.Join(err, os.RemoveAll(dir))
			}
		}
	default:
	}
	return err
}

// runInit is PID 1: it starts the node and reaps what the node's programs leave.
func runInit(c *config) error {
	runtime.LockOSThread()
	cmd := c.itself(nodeRole, 0)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the node: %w", err)
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return fmt.Errorf("waiting for the node: %w", err)
		case pid == cmd.Process.Pid:
			return fmt.Errorf("the node ended with status %d", status.ExitStatus())
		}
	}
}
