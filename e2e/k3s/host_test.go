//go:build linux

package k3s

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// host is an sshd with a root directory of its own.
type host struct {
	address string
	cmd     *exec.Cmd
}

// startHost starts a host whose /var/lib has that size.
func (env *environment) startHost(t *testing.T, disk string) *host {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	harness.Must(t, err)
	h := &host{address: listener.Addr().String()}
	harness.Must(t, listener.Close())
	ip, port, err := net.SplitHostPort(h.address)
	harness.Must(t, err)
	h.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "testdata/host.sh",
		t.TempDir(), env.sshd, env.standIns(t), ip, port, disk)
	h.cmd.Stderr = t.Output()
	// As the first process of its namespace, it takes everything below it along when it ends.
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	harness.Must(t, h.cmd.Start())
	t.Cleanup(func() {
		_ = h.cmd.Process.Kill()
		_ = h.cmd.Wait()
	})
	harness.Eventually(t, "sshd to listen", func(ctx context.Context) bool {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", h.address)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
	return h
}

// standIns is a directory with what a host gets: keys, a kubeconfig, programs.
func (env *environment) standIns(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	copyTo := func(from, to string) {
		text, err := os.ReadFile(from)
		harness.Must(t, err)
		harness.Must(t, os.WriteFile(filepath.Join(dir, to), text, 0o700)) //nolint:gosec // programs among them
	}
	harness.Must(t, os.Mkdir(filepath.Join(dir, "bin"), 0o700))
	for _, name := range []string{"host_ed25519", "host_rsa"} {
		copyTo(filepath.Join(env.keys.dir, name), name)
	}
	copyTo(filepath.Join(env.keys.dir, "user.pub"), "authorized_keys")
	copyTo(env.cluster.Kubeconfig(), "kubeconfig")
	copyTo("testdata/host/bin/forced", "bin/forced")
	return dir
}

// path is a file of the host as this process reaches it.
func (h *host) path(name string) string {
	return fmt.Sprintf("/proc/%d/root%s", h.cmd.Process.Pid, name)
}
