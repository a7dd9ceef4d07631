package machine

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// capabilities are those that the node needs, by their numbers in capability(7). It does without CAP_SYS_RESOURCE.
var capabilities = map[string]uint{
	"CAP_CHOWN": 0, "CAP_DAC_OVERRIDE": 1, "CAP_KILL": 5, "CAP_SETUID": 7, "CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13, "CAP_SYS_CHROOT": 18,
	"CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21, "CAP_MKNOD": 27,
}

// CanRun returns nil if a node can run on this machine, or else an error that says all that is missing.
func CanRun() error {
	missing := slices.Concat(missingRights(), missingControllers(), missingKernel(), missingPrograms())
	if len(missing) == 0 {
		return nil
	}
	return errors.New("a real node can't run here; missing: " + strings.Join(missing, "; "))
}

func missingRights() []string {
	if os.Geteuid() != 0 {
		return []string{"root"}
	}
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), "CapEff:")
	text, _, _ := strings.Cut(rest, "\n")
	effective, _ := strconv.ParseUint(strings.TrimSpace(text), 16, 64)
	var missing []string
	for name, bit := range capabilities {
		if effective&(1<<bit) == 0 {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return []string{"the capabilities " + strings.Join(missing, ", ")}
}

// writable is W_OK of access(2). It is false for root, too, where the mount is read-only.
const writable = 2

// controllers are those that the kubelet needs.
var controllers = []string{"cpu", "cpuacct", "cpuset", "memory", "pids", "devices", "freezer"}

func missingControllers() []string {
	found, err := Hierarchies()
	if err != nil {
		return []string{err.Error()}
	}
	var missing []string
	for _, controller := range controllers {
		if dir, ok := found[controller]; !ok || os.Geteuid() == 0 && syscall.Access(dir, writable) != nil {
			missing = append(missing, controller)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return []string{"writable cgroup v1 hierarchies with " + strings.Join(missing, ", ")}
}

func missingKernel() (missing []string) {
	kinds, _ := os.ReadFile("/proc/filesystems")
	if !strings.Contains(string(kinds), "overlay") {
		missing = append(missing, "overlay in the kernel (modprobe overlay)")
	}
	targets, _ := os.ReadFile("/proc/net/ip_tables_targets") // absent where the kernel has nftables alone
	if len(targets) > 0 && !strings.Contains(string(targets), "NFQUEUE") {
		missing = append(missing, "NFQUEUE in the kernel (modprobe xt_NFQUEUE)")
	}
	if _, err := os.Stat("/proc/net/if_inet6"); err != nil {
		missing = append(missing, "IPv6 in the kernel")
	}
	return missing
}

func missingPrograms() (missing []string) {
	for _, p := range []struct{ program, from string }{{"ip", "iproute2"}, {"mount", "mount"}, {"apt-get", "apt"}, {"dpkg", "dpkg"}} {
		if _, err := exec.LookPath(p.program); err != nil {
			missing = append(missing, fmt.Sprintf("the program %s (Debian package %s)", p.program, p.from))
		}
	}
	return missing
}

// Hierarchies are the directories of the cgroup v1 hierarchies, by controller or name, and "unified" that of cgroup v2.
func Hierarchies() (map[string]string, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("finding the cgroup hierarchies: %w", err)
	}
	defer file.Close()
	found := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		mount, kind, _ := strings.Cut(lines.Text(), " - ")
		fields, types := strings.Fields(mount), strings.Fields(kind)
		switch {
		case len(fields) < 5 || len(types) < 3:
		case types[0] == "cgroup2":
			found[Unified] = fields[4]
		case types[0] == "cgroup":
			for option := range strings.SplitSeq(types[2], ",") {
				if option != "rw" && option != "ro" && option != "xattr" {
					found[option] = fields[4]
				}
			}
		}
	}
	return found, nil
}

// Unified is the key of the cgroup v2 hierarchy, in which runc has cgroups, too.
const Unified = "unified"
