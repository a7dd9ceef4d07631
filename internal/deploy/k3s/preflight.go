package k3s

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// What a host needs, in MiB.
const (
	minDisk   = 2048
	minMemory = 900 // of the 1 GiB that providers sell
)

// facts are what a host says of itself.
type facts struct {
	values map[string]string
	ports  []string
}

func parseFacts(output string) *facts {
	f := &facts{values: map[string]string{}}
	for line := range strings.Lines(output) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if name == "port" {
			f.ports = append(f.ports, value)
			continue
		}
		f.values[name] = value
	}
	return f
}

// architectures are those of K3s, by the name that the kernel gives them.
var architectures = map[string]string{"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}

// problems are all that keeps K3s of a version from the host.
func (f *facts) problems(version, bundle string) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if f.values["os"] != "Linux" {
		add("it runs %s, and K3s needs Linux: choose another host", f.values["os"])
	}
	if architectures[f.values["arch"]] == "" {
		add("its architecture is %s, and K3s needs x86_64, aarch64 or armv7l: choose another host", f.values["arch"])
	}
	if f.values["init"] == "none" {
		add("it has neither systemd nor OpenRC: choose another host")
	}
	if disk, _ := strconv.Atoi(f.values["disk"]); disk < minDisk {
		add("/var/lib has %d MiB left, and K3s needs %d: free some, or add a disk", disk, minDisk)
	}
	if memory, _ := strconv.Atoi(f.values["memory"]); memory < minMemory {
		add("it has %d MiB of memory, and K3s needs %d: choose a larger host", memory, minMemory)
	}
	if problem := f.conflict(version, bundle); problem != "" {
		all = append(all, problem)
	}
	return all
}

// conflict is a problem with another K3s or with other programs on the host.
func (f *facts) conflict(version, bundle string) string {
	switch installed := f.values["k3s"]; {
	case installed == version:
	case installed != "":
		return fmt.Sprintf("it has K3s %s, and this would install %s: run `integrationctl deploy upgrade k3s`, or give "+
			"--k3s-version %s to keep it", installed, version, installed)
	case f.values["begun"] == "" && len(f.ports) > 0:
		return fmt.Sprintf("other programs listen on its ports %s: stop them, or let them use other ports", strings.Join(f.ports, ", "))
	case bundle == "" && f.values["curl"] == "":
		return noCurl
	}
	return ""
}

const noCurl = "it has no curl: install it, or give --bundle"

// installed is the version of K3s that is entirely installed, by this program or another one.
func (f *facts) installed() string {
	if f.values["begun"] != "" && f.values["done"] != f.values["k3s"] {
		return "" // a run was cut off
	}
	return f.values["k3s"]
}

// inspect asks a host for its facts.
func (*Target) inspect(ctx context.Context, h *host) (*facts, error) {
	output, err := h.Output(ctx, inspectScript)
	if err != nil {
		return nil, fmt.Errorf("inspecting %s: %w", h.name, err)
	}
	f := parseFacts(output)
	h.arch, h.installed = architectures[f.values["arch"]], f.installed()
	return f, nil
}

func (t *Target) preflight(ctx context.Context, step *progress.Step, h *host) error {
	f, err := t.inspect(ctx, h)
	if err != nil {
		return err
	}
	if all := f.problems(t.o.Version, t.o.Bundle); len(all) > 0 {
		return deploy.Failf(deploy.PreflightFailed, "%s can't run K3s:\n  %s", h.name, strings.Join(all, "\n  "))
	}
	if f.values["selinux"] == "Enforcing" {
		step.Output("SELinux is enforcing: K3s needs the package k3s-selinux of your distribution")
	}
	step.Summarize("%s, %s MiB of disk, %s MiB of memory", h.arch, f.values["disk"], f.values["memory"])
	return nil
}
