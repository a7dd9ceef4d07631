package docker

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// Status implements [deploy.Target].
func (t *Target) Status(ctx context.Context) (s *deploy.Status, err error) {
	err = t.connected(ctx, func(ctx context.Context) error {
		s, err = t.status(ctx)
		return err
	})
	return s, err
}

func (t *Target) status(ctx context.Context) (*deploy.Status, error) {
	result, err := t.engine.Info(ctx, client.InfoOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading the version of the engine: %w", err)
	}
	s := &deploy.Status{
		Target: "docker", Runtime: "Docker " + result.Info.ServerVersion, Location: t.location(), Release: t.o.Project,
		State: "not installed", LockedBy: t.lockedBy(ctx), Instances: []deploy.Instance{},
	}
	for _, name := range []string{t.container(), t.previous(), t.candidate()} {
		if err := t.addInstance(ctx, s, name, result.Info.Name); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// addInstance adds a container of the service, if it is there.
func (t *Target) addInstance(ctx context.Context, s *deploy.Status, name, host string) error {
	c, err := t.inspect(ctx, name)
	if err != nil || c == nil {
		return err
	}
	t.checkNow(ctx, c)
	s.Instances = append(s.Instances, instance(c, host))
	switch {
	case name == t.container():
		describe(s, c)
	case name == t.previous():
		s.State = "replacing"
	}
	return nil
}

// describe says which revision the service's container is.
func describe(s *deploy.Status, c *container.InspectResponse) {
	of := c.Config.Labels
	s.Revision, _ = strconv.Atoi(of[labelRevision])
	s.Version, s.Image, s.State = of[labelVersion], of[labelImage], "deployed"
	s.Replicas.Desired, s.Replicas.Updated = 1, 1
	if healthy(c) {
		s.Replicas.Ready = 1
	}
	if !c.State.Running && !c.State.Restarting {
		s.State = "stopped"
	}
	rolledOut, _ := time.Parse(time.RFC3339, of[labelTime])
	s.LastRollOut = &rolledOut
	s.Description = (&revision{Operator: of[labelOperator], Reason: of[labelReason]}).describe()
	s.Digests = []string{cmp.Or(of[labelDigest], c.Image)}
}

// checkNow runs the health check of a container that the engine has not checked yet: its first check comes after an interval.
func (t *Target) checkNow(ctx context.Context, c *container.InspectResponse) {
	if !runs(c) || c.State.Health == nil || c.State.Health.Status != container.Starting {
		return
	}
	if code, _, err := t.runCheck(ctx, c); err == nil && code == 0 {
		c.State.Health.Status = container.Healthy
	}
}

func healthy(c *container.InspectResponse) bool {
	return c.State.Running && c.State.Health != nil && c.State.Health.Status == container.Healthy
}

// instance is a container by the words that kubectl has for pods.
func instance(c *container.InspectResponse, host string) deploy.Instance {
	one := deploy.Instance{
		Name: c.Name[1:], State: stateOf(c), Ready: "0/1", Restarts: strconv.Itoa(c.RestartCount), Node: host, Image: c.Config.Image,
	}
	if healthy(c) {
		one.Ready = "1/1"
	}
	if started, err := time.Parse(time.RFC3339Nano, c.State.StartedAt); err == nil && c.State.Running {
		one.Started = &started
	}
	for _, network := range c.NetworkSettings.Networks {
		if network.IPAddress.IsValid() {
			one.Address = network.IPAddress.String()
		}
	}
	return one
}

func stateOf(c *container.InspectResponse) string {
	switch {
	case c.State.Restarting:
		return "CrashLoopBackOff"
	case c.State.Running && c.State.Health != nil && c.State.Health.Status == container.Unhealthy:
		return "Unhealthy"
	case c.State.Running && !healthy(c):
		return "Pending"
	case c.State.Running:
		return "Running"
	case c.State.OOMKilled:
		return "OOMKilled"
	case c.State.Status == container.StateExited && c.State.ExitCode != 0:
		return "Error"
	case c.State.Status == container.StateExited:
		return "Stopped"
	}
	return "Pending"
}

// Stats implements [deploy.Meter].
func (t *Target) Stats(ctx context.Context) (usages []deploy.Usage, err error) {
	err = t.connected(ctx, func(ctx context.Context) error {
		c, err := t.installed(ctx)
		if err != nil {
			return err
		}
		if !c.State.Running {
			return fmt.Errorf("container %q does not run: `%s` starts it", t.container(), t.command("start"))
		}
		sample, err := t.measure(ctx, c.ID)
		if err != nil {
			return fmt.Errorf("measuring container %q: %w", t.container(), err)
		}
		usages = []deploy.Usage{usageOf(t.container(), sample)}
		return nil
	})
	return usages, err
}

// measure takes two samples of what a container uses.
func (t *Target) measure(ctx context.Context, id string) (*container.StatsResponse, error) {
	result, err := t.engine.ContainerStats(ctx, id, client.ContainerStatsOptions{IncludePreviousSample: true})
	if err != nil {
		return nil, err
	}
	defer result.Body.Close()
	sample := &container.StatsResponse{}
	return sample, json.NewDecoder(result.Body).Decode(sample)
}

// usageOf is the CPU between two samples, and the memory without what the kernel caches and gives back, as `docker stats` counts it.
func usageOf(name string, s *container.StatsResponse) deploy.Usage {
	milli, elapsed := int64(0), s.Read.Sub(s.PreRead)
	if used := s.CPUStats.CPUUsage.TotalUsage; used > s.PreCPUStats.CPUUsage.TotalUsage && elapsed > 0 {
		milli = int64(float64(used-s.PreCPUStats.CPUUsage.TotalUsage) * 1000 / float64(elapsed.Nanoseconds()))
	}
	memory := s.MemoryStats.Usage
	for _, cached := range []string{"total_inactive_file", "inactive_file"} { // of cgroup v1 and v2
		if size, ok := s.MemoryStats.Stats[cached]; ok && size < memory {
			memory -= size
			break
		}
	}
	return deploy.Usage{Name: name, CPU: fmt.Sprintf("%dm", milli), Memory: fmt.Sprintf("%dMi", memory>>20)}
}
