package docker

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/system"
)

func TestProblems(t *testing.T) {
	t.Parallel()
	good := system.Info{ServerVersion: "20.10.24", OSType: "linux", Architecture: "x86_64", DockerRootDir: "/var/lib/docker"}
	for name, c := range map[string]struct {
		change func(*system.Info)
		api    string
		disk   int
		want   []string
	}{
		"none":                      {func(*system.Info) {}, "1.41", 600, nil},
		"free disk that is unknown": {func(*system.Info) {}, "1.57", -1, nil},
		"a full disk": {func(*system.Info) {}, "1.41", 511, []string{
			"/var/lib/docker has 511 MiB left, and 512 are needed: free some, such as with `docker system prune`",
		}},
		"an engine that is old": {func(i *system.Info) { i.ServerVersion = "19.03" }, "1.40", 600, []string{
			"the engine 19.03 is too old: upgrade it to 20.10 or later",
		}},
		"another operating system": {func(i *system.Info) { i.OSType = "windows" }, "1.41", 600, []string{
			"the engine runs containers for windows, and the image needs Linux: choose another host",
		}},
		"an architecture of no image": {func(i *system.Info) { i.Architecture = "riscv64" }, "1.41", 600, []string{
			"its architecture is riscv64, and the image needs x86_64 or aarch64: choose another host",
		}},
	} {
		info := good
		c.change(&info)
		if diff := cmp.Diff(c.want, problems(&info, c.api, c.disk)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	info := &system.Info{MemoryLimit: true, CPUCfsQuota: true, PidsLimit: true}
	for publish, want := range map[string]string{"127.0.0.1:8080": "", "[::1]:8080": "", "0.0.0.0:443": "before those of ufw or firewalld"} {
		got := strings.Join((&Target{o: Options{Publish: publish}}).warnings(info, 600), "\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q", publish, got)
		}
	}
	all := (&Target{}).warnings(&system.Info{SecurityOptions: []string{"name=rootless"}}, -1)
	for i, want := range []string{"free disk space", "does not enforce all limits", "rootless"} {
		if len(all) != 3 || !strings.Contains(all[i], want) {
			t.Errorf("the warnings are %q", all)
		}
	}
}

func TestStateOf(t *testing.T) {
	t.Parallel()
	health := func(s container.HealthStatus) *container.Health { return &container.Health{Status: s} }
	for want, state := range map[string]container.State{
		"Running":          {Running: true, Health: health(container.Healthy)},
		"Pending":          {Running: true, Health: health(container.Starting)},
		"Unhealthy":        {Running: true, Health: health(container.Unhealthy)},
		"CrashLoopBackOff": {Running: true, Restarting: true, ExitCode: 1},
		"OOMKilled":        {Status: container.StateExited, OOMKilled: true, ExitCode: 137},
		"Error":            {Status: container.StateExited, ExitCode: 2},
		"Stopped":          {Status: container.StateExited},
	} {
		if got := stateOf(&container.InspectResponse{State: &state}); got != want {
			t.Errorf("%+v is %s, want %s", state, got, want)
		}
	}
}

// statsOf are two samples one second apart, between which a quarter of a CPU was used.
func statsOf(now time.Time, memory uint64, details map[string]uint64) *container.StatsResponse {
	s := &container.StatsResponse{Read: now, PreRead: now.Add(-time.Second)}
	s.PreCPUStats.CPUUsage.TotalUsage, s.CPUStats.CPUUsage.TotalUsage = 1e9, 1.25e9
	s.MemoryStats.Usage, s.MemoryStats.Stats = memory, details
	return s
}
