package docker

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

const (
	// minAPI is that of the engine 20.10.
	minAPI  = "1.41"
	minDisk = 512 // MiB: the image, twice, and its logs
)

// diskScript prints how many MiB are left where $1 is.
const diskScript = `df -Pk "$1" | awk 'NR == 2 {print int($4 / 1024)}'`

// preflight checks the engine, and returns the architecture of the host.
func (t *Target) preflight(ctx context.Context, step *progress.Step) (arch string, err error) {
	result, err := t.engine.Info(ctx, client.InfoOptions{})
	if err != nil {
		return "", fmt.Errorf("reading the version of the engine: %w", err)
	}
	info := &result.Info
	arch = architectures[info.Architecture]
	disk := t.freeDisk(ctx, info.DockerRootDir)
	if all := problems(info, t.engine.ClientVersion(), disk); len(all) > 0 {
		return "", deploy.Failf(deploy.PreflightFailed, "%s can't run the service:\n  %s", t.place(), strings.Join(all, "\n  "))
	}
	for _, warning := range t.warnings(info, disk) {
		step.Output(warning)
	}
	step.Summarize("Docker %s on %s, %s", info.ServerVersion, info.OperatingSystem, arch)
	return arch, nil
}

// freeDisk is the free space of a directory of the host in MiB, or -1 where it is unknown: the engine does not say it.
func (t *Target) freeDisk(ctx context.Context, dir string) int {
	var text string
	if t.host != nil {
		text, _ = t.host.Output(ctx, diskScript, dir)
	} else if printed, err := exec.CommandContext(ctx, "sh", "-c", diskScript, "sh", dir).Output(); err == nil {
		text = string(printed)
	}
	free, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return -1
	}
	return free
}

// problems are all that keeps the service from a host. disk is -1 where it is unknown.
func problems(info *system.Info, api string, disk int) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if versions.LessThan(api, minAPI) {
		add("the engine %s is too old: upgrade it to 20.10 or later", info.ServerVersion)
	}
	if info.OSType != "linux" {
		add("the engine runs containers for %s, and the image needs Linux: choose another host", info.OSType)
	}
	if architectures[info.Architecture] == "" {
		add("its architecture is %s, and the image needs x86_64 or aarch64: choose another host", info.Architecture)
	}
	if disk >= 0 && disk < minDisk {
		add("%s has %d MiB left, and %d are needed: free some, such as with `docker system prune`", info.DockerRootDir, disk, minDisk)
	}
	return all
}

// warnings are what does not work as the compose file says, or was not checked.
func (t *Target) warnings(info *system.Info, disk int) (all []string) {
	if disk < 0 {
		all = append(all, "the free disk space is unknown")
	}
	if !info.MemoryLimit || !info.CPUCfsQuota || !info.PidsLimit {
		all = append(all, "the kernel of the host does not enforce all limits of memory, CPU and processes")
	}
	if slices.Contains(info.SecurityOptions, "name=rootless") {
		all = append(all, "the engine is rootless: it starts again after a reboot only if its user lingers (loginctl enable-linger)")
	}
	if host, _, err := splitAddress(t.o.Publish); err == nil && host != "127.0.0.1" && host != "::1" {
		all = append(all, "port "+t.o.Publish+" is reachable from other machines: Docker's rules come before those of ufw or firewalld")
	}
	return all
}
