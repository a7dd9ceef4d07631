// Package docker runs the service in a container of a Docker host, by the engine's own API: through the engine's socket, or through the
// same socket over SSH. The service reaches Flyte's cluster by a kubeconfig.
package docker

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/moby/moby/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/ssh"
)

// Socket is where engines listen unless somebody has moved it.
const Socket = "/var/run/docker.sock"

// Options say which host runs the service, and how.
type Options struct {
	// SSH reaches the host; nil is this machine. Socket is the engine's, on the host.
	SSH    *ssh.Options
	Socket string
	// Project is the name of the compose project.
	Project string
	// Image is the image of the service. Archive is a tar of it that is sent to the host. Pull pulls it even if the host has it.
	Image, Archive string
	Pull           bool
	// Credentials returns what signs in to a registry, or "".
	Credentials func(ctx context.Context, registry string) (string, error)
	// Environment configures the service.
	Environment map[string]string
	// Publish is the address:port of the host where the service answers, and Metrics that of its metrics, or "".
	Publish, Metrics string
	// CPU and Memory limit the container.
	CPU, Memory string
	// Secrets are files that Setup writes, by name. Rotate adds the webhook secret to the one that is there.
	Secrets map[string]string
	Rotate  bool
	// Reason is for the history.
	Reason string
	// Wait waits until the service is ready, for at most Timeout, and rolls back if it is not.
	Wait    bool
	Timeout time.Duration
	// Lock has the times of the lock; zero means the usual ones.
	Lock deploy.LockTimes
}

// Target is a compose project on a host.
type Target struct {
	o      Options
	engine *client.Client
	host   *ssh.Client // nil on this machine
}

var _ interface {
	deploy.Target
	deploy.Planner
	deploy.Renderer
	deploy.Differ
	deploy.Logger
	deploy.Executor
	deploy.Meter
	deploy.Restarter
	deploy.Stopper
	deploy.Historian
} = (*Target)(nil)

// projectName is what compose takes, and short enough for the names that are made of it.
var projectName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,50}$`)

// New makes a target. It does not reach the host.
func New(o Options) (*Target, error) {
	if !projectName.MatchString(o.Project) {
		return nil, fmt.Errorf("--release must be lower-case letters, digits, - and _, not %q", o.Project)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	o.Lock = cmp.Or(o.Lock, deploy.DefaultLockTimes)
	return &Target{o: o}, nil
}

// The names of what the project has on the host.
func (t *Target) container() string { return t.o.Project + "-" + serviceName + "-1" } // as compose names it
func (t *Target) previous() string  { return t.o.Project + "-previous" }
func (t *Target) candidate() string { return t.o.Project + "-candidate" }
func (t *Target) lockName() string  { return t.o.Project + "-deploy" }
func (t *Target) network() string   { return t.o.Project + "_default" }
func (t *Target) volume() string    { return t.o.Project }

// tag is the image of a revision.
func (t *Target) tag(revision int) string { return fmt.Sprintf("%s:r%d", t.o.Project, revision) }

// place is the host as people call it.
func (t *Target) place() string {
	if t.o.SSH == nil {
		return "this machine"
	}
	return t.o.SSH.Host
}

// location is the host and the project.
func (t *Target) location() string {
	if t.o.SSH == nil {
		return "local/" + t.o.Project
	}
	return t.o.SSH.Host + "/" + t.o.Project
}

// command is a command line of the program for this target.
func (t *Target) command(verb string) string {
	text := fmt.Sprintf("integrationctl deploy %s docker", verb)
	if t.o.SSH != nil {
		text += " --host " + t.o.SSH.Host
	}
	return text
}
