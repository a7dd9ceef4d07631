package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"
	"github.com/spf13/cobra"
	"oras.land/oras-go/v2/registry/remote/credentials"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/docker"
)

const (
	targetDocker = "docker"

	// Limits that most installations fit in.
	dockerCPU    = "1"
	dockerMemory = "512Mi"
)

// dockerFlags are those of the target docker.
type dockerFlags struct {
	socket, publish, metrics string
	pull                     bool
}

// notForDocker are flags of commands that docker shares with other targets.
var notForDocker = []string{
	"values", "set", "take-ownership", "namespace", "context", "kubeconfig", "cluster", "replicas", "strategy", "tls-secret",
}

// dockerFlags are those of all commands.
func (d *deployment) dockerFlags(c *cobra.Command) {
	c.Flags().StringVar(&d.flags.docker.socket, "socket", docker.Socket, "docker: `path` of the engine's socket on the host")
}

// upDockerFlags are those of the compose file.
func (d *deployment) upDockerFlags(c *cobra.Command) {
	f, o := c.Flags(), &d.flags.docker
	f.StringVar(&o.publish, "publish", "127.0.0.1:8080", "docker: `address:port` of the host where the service answers")
	f.StringVar(&o.metrics, "publish-metrics", "", "docker: `address:port` of the host for its metrics (default: not published)")
	f.BoolVar(&o.pull, "pull", false, "docker: pull the image even if the host has one of that name")
}

func (d *deployment) openDocker(c *cobra.Command) (deploy.Target, error) {
	if err := refuseFlags(c, notForDocker, targetDocker); err != nil {
		return nil, err
	}
	o, err := d.dockerOptions()
	if err != nil {
		return nil, err
	}
	needsImage := c.Name() == "up" || c.Name() == "render"
	if needsImage && o.Image == "" && (o.Archive == "" || c.Name() == "render") {
		return nil, usagef("--image is required, or for up --image-archive")
	}
	target, err := docker.New(*o)
	if err != nil {
		return nil, usagef("%v", err)
	}
	return target, nil
}

func (d *deployment) dockerOptions() (*docker.Options, error) {
	flags, v := &d.flags.docker, &d.flags.values
	o := &docker.Options{
		Socket: flags.socket, Project: d.flags.release, Image: v.Image, Archive: d.flags.k3s.image, Pull: flags.pull,
		Credentials: registryCredentials, Publish: flags.publish, Metrics: flags.metrics,
		CPU: cmp.Or(v.CPU, dockerCPU), Memory: cmp.Or(v.Memory, dockerMemory),
		Rotate: d.flags.rotate, Reason: d.flags.reason, Wait: d.flags.wait, Timeout: d.flags.timeout,
	}
	if d.flags.k3s.ssh.Host != "" {
		if err := d.completeSSH(); err != nil {
			return nil, err
		}
		o.SSH = &d.flags.k3s.ssh
	}
	var err error
	if o.Environment, err = d.environment(); err != nil {
		return nil, err
	}
	o.Secrets, err = d.secrets(docker.WebhookSecretFile, docker.KubeconfigFile, docker.Kubeconfig, docker.FileOf)
	return o, err
}

// registryCredentials are those of `docker login` on this machine, helpers included, as the engine takes them.
func registryCredentials(ctx context.Context, host string) (string, error) {
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return "", err
	}
	found, err := store.Get(ctx, credentials.ServerAddressFromRegistry(host))
	if err != nil || found.Username == "" && found.RefreshToken == "" && found.AccessToken == "" {
		return "", err
	}
	return authconfig.Encode(registry.AuthConfig{
		Username: found.Username, Password: found.Password, IdentityToken: found.RefreshToken, RegistryToken: found.AccessToken,
		ServerAddress: host,
	})
}

// dockerPlace says where something is about to change.
func (d *deployment) dockerPlace() string {
	host := "this machine"
	if d.flags.k3s.ssh.Host != "" {
		host = "host " + d.flags.k3s.ssh.Host
	}
	return fmt.Sprintf("%s (%s), project %q", host, d.flags.docker.socket, d.flags.release)
}

// secrets reads the files that setup writes: the webhook secret and the kubeconfig, by their names, and those of --secret-file.
func (d *deployment) secrets(
	webhook, kubeconfig string, readKubeconfig func(file string) (string, error), nameOf func(variable string) string,
) (map[string]string, error) {
	secrets := map[string]string{}
	if d.flags.secretFile != "" {
		text, err := d.webhookSecret()
		if err != nil {
			return nil, err
		}
		secrets[webhook] = strings.TrimSpace(text)
	}
	if file := d.flags.fly.kubeconfig; file != "" {
		text, err := readKubeconfig(file)
		if err != nil {
			return nil, fmt.Errorf("reading the kubeconfig of the service (--service-kubeconfig): %w", err)
		}
		secrets[kubeconfig] = text
	}
	files, err := variables("--secret-file must be NAME=FILE", d.flags.fly.secretFiles)
	for name, file := range files {
		text, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			return nil, fmt.Errorf("reading the secret %s (--secret-file): %w", name, err)
		}
		secrets[nameOf(name)] = strings.TrimSpace(string(text))
	}
	return secrets, err
}

// variables parses assignments to environment variables.
func variables(form string, assignments []string) (map[string]string, error) {
	all := map[string]string{}
	for _, assignment := range assignments {
		name, value, ok := strings.Cut(assignment, "=")
		if !ok || !variableName.MatchString(name) {
			return nil, usagef("%s, with a name of capital letters, digits and _", form)
		}
		all[name] = value
	}
	return all, nil
}

// environment are the variables of --env.
func (d *deployment) environment() (map[string]string, error) {
	return variables("--env must be NAME=VALUE", d.flags.fly.environment)
}
