//go:build unix && !linux

package child

import "syscall"

// diesWithParent only protects the child from Ctrl-C, by its own process group. There is no parent-death signal here, so the children of
// a killed parent stay.
func diesWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
