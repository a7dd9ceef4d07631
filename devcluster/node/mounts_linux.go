package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
)

// sysctls are those that the kubelet sets for the whole machine. It reads files with the wanted values instead.
var sysctls = map[string]string{
	"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
	"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
}

type mount struct {
	source, target, kind string
	flags                uintptr
	options              string
}

// mountAll gives the node mounts of its own. Containers see those that are made later, and the machine sees none.
func (c *config) mountAll() error {
	if err := os.MkdirAll(c.path(privateDir), 0o700); err != nil {
		return fmt.Errorf("creating the node's private directory: %w", err)
	}
	debian := filepath.Join(c.program(binaries.DebianRoot), "usr")
	all := []mount{
		{target: "/", flags: syscall.MS_REC | syscall.MS_PRIVATE},
		{target: "/", flags: syscall.MS_REC | syscall.MS_SHARED},
		{source: "proc", target: "/proc", kind: "proc", flags: syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC},
		{source: "tmpfs", target: "/run", kind: "tmpfs", options: "mode=755"},
		{source: "tmpfs", target: "/var/log", kind: "tmpfs", options: "mode=755"},
		{source: "tmpfs", target: c.path(privateDir), kind: "tmpfs", options: "mode=700"},
		{source: "overlay", target: "/usr", kind: "overlay", flags: syscall.MS_RDONLY, options: "lowerdir=" + debian + ":/usr"},
	}
	for name, value := range sysctls {
		file := c.path("sysctl-" + strings.ReplaceAll(name, "/", "-"))
		if err := os.WriteFile(file, []byte(value+"\n"), 0o600); err != nil {
			return fmt.Errorf("writing a sysctl's file: %w", err)
		}
		all = append(all, mount{source: file, target: "/proc/sys/" + name, flags: syscall.MS_BIND})
	}
	for _, m := range all {
		if err := syscall.Mount(m.source, m.target, m.kind, m.flags, m.options); err != nil {
			return fmt.Errorf("mounting %s %s on %s: %w", m.kind, m.source, m.target, err)
		}
	}
	return nil
}
