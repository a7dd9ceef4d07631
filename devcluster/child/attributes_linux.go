package child

import "syscall"

// diesWithParent has the kernel kill the child when this process ends, also while the child is stopped. Its own process group
// keeps Ctrl-C from it.
func diesWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
