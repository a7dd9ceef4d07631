// Package child runs programs that end with this process, even if it is killed, and that don't receive the terminal's Ctrl-C.
package child

import (
	"os/exec"
	"runtime"
)

// Run runs cmd to its end.
func Run(cmd *exec.Cmd) error {
	ended := make(chan error, 1)
	go func() { ended <- StartAndWait(cmd, make(chan error, 1)) }()
	return <-ended
}

// StartAndWait starts cmd, sends the result of the start to started, and waits for its end. It needs a goroutine of its own: Linux sends
// the parent-death signal when the thread that forked ends, not the process (golang/go#27505).
func StartAndWait(cmd *exec.Cmd, started chan<- error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = diesWithParent()
	err := cmd.Start()
	started <- err
	if err != nil {
		return err
	}
	return cmd.Wait()
}
