// Package k3s installs K3s on a host over SSH, and the chart into it. When it is installed, it is operated as any Kubernetes cluster.
package k3s

import (
	"context"
	"fmt"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/k8s"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
	"platform.company.com/workspace-flyte-integration/internal/deploy/ssh"
)

// Version is the release of K3s that is installed unless another one is named.
const Version = "v1.35.5+k3s1"

// Options say on which hosts K3s runs, and how it is installed.
type Options struct {
	// SSH reaches the server, and Agents are further hosts, with the same user and keys.
	SSH    ssh.Options
	Agents []string
	// SudoPassword is asked for where sudo wants one.
	SudoPassword func() (string, error)
	// Version is that of K3s. Bundle is a directory with its files, for hosts without the Internet.
	Version, Bundle string
	// Registries is a registries.yaml of K3s, with the credentials of private registries; "" means none.
	Registries string
	// Email makes Traefik get certificates of Let's Encrypt.
	Email string
	// Kubeconfig is the file that gets the cluster under the name Context. Address is where the API server is reached.
	Kubeconfig, Context, Address string
	// Image is a tar of the service's image, which is imported to every host.
	Image string
	// Cluster opens the release in the cluster, once the kubeconfig has it.
	Cluster func() (*k8s.Target, error)
	Timeout time.Duration
}

// Target is K3s on a host with a release of the chart. Its embedded target is nil until Setup has copied the kubeconfig.
type Target struct {
	*k8s.Target

	o Options
}

// New makes a target. It does not reach the host.
func New(o Options) (*Target, error) {
	t := &Target{o: o}
	has, err := hasContext(o.Kubeconfig, o.Context)
	if err != nil || !has {
		return t, err
	}
	t.Target, err = o.Cluster()
	return t, err
}

// Ready is an error until Setup has copied the kubeconfig.
func (t *Target) Ready() error {
	if t.Target != nil {
		return nil
	}
	return deploy.Failf(deploy.PreflightFailed, "%s has no context %q: run `integrationctl deploy setup k3s --host %s` first",
		t.o.Kubeconfig, t.o.Context, t.o.SSH.Host)
}

// host is a connection to one host.
type host struct {
	*ssh.Client

	name, arch string
	installed  string // the version of K3s, or ""
}

// connect is the step that every use of a host begins with.
func (t *Target) connect(ctx context.Context, steps *progress.Steps, name string) (*host, error) {
	h := &host{name: name}
	return h, steps.Run(ctx, "connect", func(ctx context.Context, step *progress.Step) error {
		o := t.o.SSH
		o.Host = name
		var err error
		if h.Client, err = ssh.Dial(ctx, o); err != nil {
			return ssh.MarkRefused(err)
		}
		if err := h.BecomeRoot(ctx, t.o.SudoPassword); err != nil {
			h.Close()
			return ssh.MarkRefused(err)
		}
		step.Summarize("%s", name)
		return nil
	})
}

// onHost connects to a host and runs do with the connection, which it closes afterwards.
func (t *Target) onHost(ctx context.Context, steps *progress.Steps, name string, do func(*host) error) error {
	h, err := t.connect(ctx, steps, name)
	if err != nil {
		return err
	}
	defer h.Close()
	return do(h)
}

// onAgents runs do on each agent, one after the other, until it fails.
func (t *Target) onAgents(ctx context.Context, steps *progress.Steps, do func(*host) error) error {
	for _, name := range t.o.Agents {
		if err := t.onHost(ctx, steps, name, do); err != nil {
			return err
		}
	}
	return nil
}

// task is a step on the host.
func (h *host) task(name string, do func(context.Context, *progress.Step, *host) error) progress.Task {
	return progress.Task{Name: name, Do: func(ctx context.Context, step *progress.Step) error { return do(ctx, step, h) }}
}

// Setup implements [deploy.Target]. Each step first looks at what is there, so a run that was cut off continues where it stopped.
func (t *Target) Setup(ctx context.Context, steps *progress.Steps) error {
	return t.onHost(ctx, steps, t.o.SSH.Host, func(h *host) error {
		err := steps.RunAll(ctx,
			h.task("preflight", t.preflight),
			h.task("configure_registries", t.configureRegistries),
			h.task("install_k3s", t.installServer),
			h.task("wait_k3s_ready", t.awaitReady),
			h.task("configure_ingress", t.configureIngress),
			h.task("copy_kubeconfig", t.copyKubeconfig),
		)
		if err != nil {
			return err
		}
		if t.Target, err = t.o.Cluster(); err != nil {
			return err
		}
		return t.Target.Setup(ctx, steps)
	})
}

// Up implements [deploy.Target]: it imports the image to every host, which needs no registry, and installs the chart.
func (t *Target) Up(ctx context.Context, steps *progress.Steps) error {
	if err := t.Ready(); err != nil {
		return err
	}
	if t.o.Image != "" {
		for _, name := range append([]string{t.o.SSH.Host}, t.o.Agents...) {
			if err := t.importTo(ctx, steps, name); err != nil {
				return err
			}
		}
	}
	return t.Target.Up(ctx, steps)
}

// Down implements [deploy.Target]. To remove everything includes K3s itself, with all that runs in it.
func (t *Target) Down(ctx context.Context, steps *progress.Steps, what deploy.Removal) error {
	if what == deploy.RemoveEverything && t.o.SSH.Host == "" {
		return deploy.Failf(deploy.PreflightFailed, "--purge also uninstalls K3s: name its server with --host")
	}
	if t.Target != nil {
		if err := t.Target.Down(ctx, steps, what); err != nil && what != deploy.RemoveEverything {
			return err
		}
	}
	if what != deploy.RemoveEverything {
		return nil
	}
	return t.onHost(ctx, steps, t.o.SSH.Host, func(h *host) error {
		return steps.Run(ctx, "uninstall_k3s", func(ctx context.Context, step *progress.Step) error {
			if err := h.Script(ctx, uninstallScript, nil, step.Output); err != nil {
				return fmt.Errorf("uninstalling K3s: %w", err)
			}
			return removeContext(t.o.Kubeconfig, t.o.Context)
		})
	})
}
