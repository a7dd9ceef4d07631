package docker

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// The labels of the service's container. Those of compose let `docker compose ls`, `ps` and `logs` find it.
const (
	labels        = "platform.company.com/deploy-"
	labelRevision = labels + "revision"
	labelVersion  = labels + "version"
	labelImage    = labels + "image"
	labelDigest   = labels + "digest"
	labelOperator = labels + "operator"
	labelReason   = labels + "reason"
	labelTime     = labels + "time"
	labelRole     = labels + "role"
)

// labelsOf are the labels of the container of a revision.
func (t *Target) labelsOf(r *revision) map[string]string {
	return map[string]string{
		labelRevision: fmt.Sprint(r.Number), labelVersion: r.Version, labelImage: r.Image, labelDigest: r.Digest,
		labelOperator: r.Operator, labelReason: r.Reason,
		labelTime:                                r.Time.Format(time.RFC3339),
		"com.docker.compose.project":             t.o.Project,
		"com.docker.compose.service":             serviceName,
		"com.docker.compose.container-number":    "1",
		"com.docker.compose.oneoff":              "False",
		"com.docker.compose.project.working_dir": "/",
	}
}

// create creates the service's container from a service of the compose file.
func (t *Target) create(ctx context.Context, name string, s *types.ServiceConfig, r *revision) (id string, err error) {
	ports, exposed, err := bindings(s.Ports)
	if err != nil {
		return "", err
	}
	config, host := t.config(s, r), t.hostConfig(s)
	if name == t.candidate() {
		host.RestartPolicy.Name = container.RestartPolicyDisabled
		config.Labels = map[string]string{labelRole: "candidate", labelRevision: fmt.Sprint(r.Number)}
	} else {
		host.PortBindings, config.ExposedPorts = ports, exposed
	}
	id, err = t.createContainer(ctx, client.ContainerCreateOptions{
		Name: name, Config: config, HostConfig: host,
		NetworkingConfig: &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
			t.network(): {Aliases: []string{serviceName}},
		}},
	})
	if err != nil {
		return "", fmt.Errorf("creating container %q: %w", name, err)
	}
	return id, nil
}

// config is what the engine runs for a service of the compose file, without its ports.
func (t *Target) config(s *types.ServiceConfig, r *revision) *container.Config {
	stopTimeout := int(time.Duration(*s.StopGracePeriod).Seconds())
	return &container.Config{
		Image: r.ImageID, User: s.User, Env: environmentOf(s), Labels: t.labelsOf(r), StopTimeout: &stopTimeout,
		Healthcheck: &container.HealthConfig{
			Test: s.HealthCheck.Test, Interval: time.Duration(*s.HealthCheck.Interval), Timeout: time.Duration(*s.HealthCheck.Timeout),
			StartPeriod: time.Duration(*s.HealthCheck.StartPeriod), Retries: int(*s.HealthCheck.Retries), //nolint:gosec // a small number
		},
	}
}

// hostConfig is what the host gives the container of a service, without its ports.
func (t *Target) hostConfig(s *types.ServiceConfig) *container.HostConfig {
	limits := s.Deploy.Resources.Limits
	return &container.HostConfig{
		ReadonlyRootfs: s.ReadOnly, CapDrop: s.CapDrop, SecurityOpt: s.SecurityOpt,
		LogConfig:     container.LogConfig{Type: s.Logging.Driver, Config: s.Logging.Options},
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyMode(s.Restart)},
		NetworkMode:   container.NetworkMode(t.network()),
		Resources: container.Resources{
			NanoCPUs: int64(float64(limits.NanoCPUs) * 1e9), Memory: int64(limits.MemoryBytes), PidsLimit: &limits.Pids,
		},
		Mounts: []mount.Mount{{Type: mount.TypeVolume, Source: t.volume(), Target: dataDir, ReadOnly: true}},
	}
}

// createContainer creates a container. Ctrl-C does not cut the request off: the engine would go on, and nobody would know whether there is
// a container to remove.
func (t *Target) createContainer(ctx context.Context, o client.ContainerCreateOptions) (id string, err error) {
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	ctx, cancel := cleanUp(ctx)
	defer cancel()
	created, err := t.engine.ContainerCreate(ctx, o)
	return created.ID, err
}

func environmentOf(s *types.ServiceConfig) (env []string) {
	for name, value := range s.Environment {
		if value != nil {
			env = append(env, name+"="+*value)
		}
	}
	slices.Sort(env)
	return env
}

func bindings(ports []types.ServicePortConfig) (bound network.PortMap, exposed network.PortSet, err error) {
	bound, exposed = network.PortMap{}, network.PortSet{}
	for _, p := range ports {
		port, err := network.ParsePort(fmt.Sprintf("%d/%s", p.Target, p.Protocol))
		if err != nil {
			return nil, nil, err
		}
		address, err := netip.ParseAddr(p.HostIP)
		if err != nil {
			return nil, nil, err
		}
		bound[port] = append(bound[port], network.PortBinding{HostIP: address, HostPort: p.Published})
		exposed[port] = struct{}{}
	}
	return bound, exposed, nil
}
