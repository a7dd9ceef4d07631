package child

import "syscall"

// diesWithParent makes the kernel kill the child when this process ends, even if the child is stopped. In its own process group it does
// not receive Ctrl-C.
func diesWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
