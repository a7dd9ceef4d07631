//go:build linux

// Package sshhost starts hosts for tests: a real sshd of Debian in a root directory, and where that is wanted in a network, of its own.
package sshhost

import (
	"context"
	_ "embed" // the script of a host
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

//go:embed host.sh
var script string

// Options say what a host has.
type Options struct {
	// SSHD is a directory with the files of Debian's openssh-server.
	SSHD string
	Keys *Keys
	// Files are put where prepare.sh finds them, by name. The files prepare.sh and forced, which runs each command, have a meaning.
	Files map[string]string
	// Disk is the size of /var/lib.
	Disk string
	// OwnNetwork gives it a network of its own, with the test at its other end.
	OwnNetwork bool
}

// Host is a running host.
type Host struct {
	// Address is that of its sshd.
	Address string
	// IP is its address, and Gateway that of the test, if it has a network of its own.
	IP, Gateway string

	cmd *exec.Cmd
}

// networks counts those of this process.
var networks atomic.Int32

// Start starts a host, which ends with the test.
func Start(t *testing.T, o Options) *Host {
	t.Helper()
	h := &Host{}
	flags := uintptr(syscall.CLONE_NEWNS | syscall.CLONE_NEWPID)
	if o.OwnNetwork {
		n := (os.Getpid()*8 + int(networks.Add(1))) % (1 << 14) //nolint:mnd // networks of four addresses
		h.Gateway, h.IP = fmt.Sprintf("10.213.%d.%d", n>>6, n%64*4+1), fmt.Sprintf("10.213.%d.%d", n>>6, n%64*4+2)
		h.Address = h.IP + ":22"
		flags |= syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC
	} else {
		h.Address = freeAddress(t)
	}
	ip, port, err := net.SplitHostPort(h.Address)
	harness.Must(t, err)
	h.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "-s", "--", //nolint:gosec // of a test
		t.TempDir(), o.SSHD, o.directory(t), ip, port, o.Disk, h.Gateway)
	h.cmd.Stdin, h.cmd.Stderr = strings.NewReader(script), t.Output()
	// As the first process of its namespace, it takes everything below it along when it ends.
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	harness.Must(t, h.cmd.Start())
	t.Cleanup(func() {
		_ = h.cmd.Process.Kill()
		_ = h.cmd.Wait()
	})
	if o.OwnNetwork {
		h.connect(t)
	}
	h.await(t)
	return h
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	harness.Must(t, err)
	address := listener.Addr().String()
	harness.Must(t, listener.Close())
	return address
}

// connect makes the link to the host's network. It goes when the host ends.
func (h *Host) connect(t *testing.T) {
	t.Helper()
	name := fmt.Sprintf("wfi%d", h.cmd.Process.Pid)
	for _, args := range [][]string{
		{"link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", fmt.Sprint(h.cmd.Process.Pid)},
		{"address", "add", h.Gateway + "/30", "dev", name},
		{"link", "set", name, "up"},
	} {
		if text, err := exec.CommandContext(t.Context(), "ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, text)
		}
	}
}

func (h *Host) await(t *testing.T) {
	t.Helper()
	harness.Eventually(t, "sshd to listen", func(ctx context.Context) bool {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", h.Address)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
}

// directory has what a host gets: keys and files.
func (o *Options) directory(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	all := map[string]string{"authorized_keys": filepath.Join(o.Keys.dir, "user.pub")}
	for _, name := range []string{"host_ed25519", "host_rsa"} {
		all[name] = filepath.Join(o.Keys.dir, name)
	}
	maps.Copy(all, o.Files)
	for name, path := range all {
		text, err := os.ReadFile(path)
		harness.Must(t, err)
		harness.Must(t, os.WriteFile(filepath.Join(dir, name), text, 0o700)) //nolint:gosec // programs among them
	}
	return dir
}

// Path is a file of the host as this process reaches it.
func (h *Host) Path(name string) string {
	return fmt.Sprintf("/proc/%d/root%s", h.cmd.Process.Pid, name)
}
