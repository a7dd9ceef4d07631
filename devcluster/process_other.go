//go:build unix && !linux

package devcluster

import "syscall"

// diesWithParent can't keep its word here: there is no parent-death signal, so
// children of a killed parent stay. Its own process group keeps Ctrl-C from it.
func diesWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// isPaused takes the signal's word for it.
func isPaused(int) bool { return true }
