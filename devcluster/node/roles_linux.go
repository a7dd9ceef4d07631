package node

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Names under which this program runs itself, with the node's directory as its argument.
const (
	supervisorRole = "wfi-node-supervisor"
	initRole       = "wfi-node-init"
	nodeRole       = "wfi-node"
	worldRole      = "wfi-node-world"
)

// RunChild is to be called first in main or TestMain. If this process is one of a node's own, it does its work and never returns.
func RunChild() {
	roles := map[string]func(*config) error{supervisorRole: supervise, initRole: runInit, nodeRole: runNode, worldRole: runWorld}
	role, ok := roles[os.Args[0]]
	if !ok {
		return
	}
	c, err := readConfig(os.Args[1])
	if err == nil {
		err = role(c)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
		os.Exit(1) //nolint:revive // it is the end of main
	}
	os.Exit(0) //nolint:revive // it is the end of main
}

// itself is a command that runs this program under another name, with its standard error. It dies with the thread that starts it.
func (c *config) itself(role string, namespaces uintptr) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{role, c.Dir}
	cmd.Env = os.Environ()
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Pdeathsig: syscall.SIGKILL}
	return cmd
}
