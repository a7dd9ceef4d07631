package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/client-go/tools/clientcmd"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/k3s"
	"platform.company.com/workspace-flyte-integration/internal/deploy/k8s"
	"platform.company.com/workspace-flyte-integration/internal/deploy/ssh"
)

const targetK3s = "k3s"

// k3sFlags are those of the target k3s.
type k3sFlags struct {
	ssh              ssh.Options
	agents           []string
	sudoPasswordFile string
	version, bundle  string
	registries       string
	email, address   string
	image            string
	exposure         k3s.Exposure
}

// flagTargets are the targets of flags that not all targets have.
var flagTargets = map[string][]string{
	"host": {targetK3s, targetDocker}, "ssh-key": {targetK3s, targetDocker}, "host-key": {targetK3s, targetDocker},
	"sudo-password-file": {targetK3s}, "agent": {targetK3s}, "k3s-version": {targetK3s}, "bundle": {targetK3s}, "acme-email": {targetK3s},
	"api-address": {targetK3s}, "registries": {targetK3s},
	"image-archive": {targetK3s, targetDocker}, "domain": {targetK3s, targetFly}, "tls-secret": {targetK3s},
	"app": {targetFly}, "flyctl": {targetFly}, "runtime": {targetFly}, "org": {targetFly}, "force": {targetFly}, "region": {targetFly},
	"vm-size": {targetFly}, "service-kubeconfig": {targetFly, targetDocker}, "secret-file": {targetFly, targetDocker},
	"env":    {targetFly, targetDocker},
	"socket": {targetDocker}, "publish": {targetDocker}, "publish-metrics": {targetDocker}, "pull": {targetDocker},
	"ingress": {targetK8s}, "ingress-host": {targetK8s}, "ingress-class": {targetK8s}, "ingress-tls": {targetK8s},
	"ingress-issuer": {targetK8s}, "gateway": {targetK8s},
}

// hostFlags are those of commands that reach the hosts.
func (d *deployment) hostFlags(c *cobra.Command) {
	f, o := c.Flags(), &d.flags.k3s
	f.StringVar(&o.ssh.Host, "host", "", "k3s, docker: `host[:port]`, or an alias of ~/.ssh/config (docker: default is this machine)")
	f.StringVar(&o.ssh.KeyFile, "ssh-key", "",
		"k3s, docker: `file` with the SSH key (default: those of ~/.ssh/config, ~/.ssh/id_*, and the SSH agent)")
	f.StringArrayVar(&o.ssh.HostKeys, "host-key", nil,
		"k3s, docker: `fingerprint` SHA256:… that a host must have (default: known_hosts decides)")
	f.StringVar(&o.sudoPasswordFile, "sudo-password-file", "", "k3s: `file` with the password for sudo (default: it is asked for)")
	f.StringArrayVar(&o.agents, "agent", nil, "k3s: `host[:port]` of an agent; repeat it for more")
	flag := f.Lookup("user") // kubectl's, which is a user of the kubeconfig
	flag.Hidden, flag.Usage = false, "k3s, docker: `name` to sign in with over SSH; k8s: user of the kubeconfig"
}

// setupHostFlags are those that install K3s.
func (d *deployment) setupHostFlags(c *cobra.Command) {
	f, o := c.Flags(), &d.flags.k3s
	f.StringVar(&o.version, "k3s-version", k3s.Version, "k3s: `version` to install")
	f.StringVar(&o.bundle, "bundle", "", "k3s: `directory` with the files of a release and install.sh, for hosts without the Internet")
	f.StringVar(&o.registries, "registries", "", "k3s: registries.yaml `file` with the credentials of private registries")
	f.StringVar(&o.email, "acme-email", "", "k3s: `address` for Let's Encrypt; the bundled Traefik then gets certificates")
	f.StringVar(&o.address, "api-address", "", "k3s: `host:port` where the API server is reached (default: the host, port 6443)")
}

// upHostFlags are those that install the service on K3s.
func (d *deployment) upHostFlags(c *cobra.Command) {
	f, o := c.Flags(), &d.flags.k3s
	f.StringVar(&o.image, "image-archive", "", "k3s, docker: `tar` of the image to send to the host; no registry is needed")
	f.StringArrayVar(&d.flags.domains, "domain", nil,
		"`host` name that senders use; k3s: by an IngressRoute of the bundled Traefik; fly: with a certificate")
	f.StringVar(&o.exposure.TLSSecret, "tls-secret", "", "k3s: `Secret` with the certificate (default: Let's Encrypt's, see setup)")
}

// refuseForeignFlags refuses flags of another target.
func (d *deployment) refuseForeignFlags(c *cobra.Command) error {
	for name, targets := range flagTargets {
		flag := c.Flags().Lookup(name)
		if flag != nil && flag.Changed && !strings.Contains(strings.Join(targets, " "), d.target) {
			return usagef("--%s is a flag of %s, not of %s", name, strings.Join(targets, " and "), d.target)
		}
	}
	return nil
}

func (d *deployment) openK3s(c *cobra.Command) (deploy.Target, error) {
	o := &d.flags.k3s
	if o.ssh.Host == "" && (*d.cluster.flags.Context == "" || c.Name() == "setup" || o.image != "") {
		return nil, usagef("--host is required: the host that K3s runs on")
	}
	options, err := d.k3sOptions()
	if err != nil {
		return nil, err
	}
	target, err := k3s.New(*options)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errKubeconfig, err)
	}
	if c.Name() != "setup" {
		return target, asDeployError(c.Context(), target.Ready())
	}
	return target, nil
}

func (d *deployment) k3sOptions() (*k3s.Options, error) {
	if err := d.completeSSH(); err != nil {
		return nil, err
	}
	if len(d.flags.domains) > 1 {
		return nil, usagef("the target k3s takes one --domain")
	}
	d.completeK3s()
	o := &d.flags.k3s
	return &k3s.Options{
		SSH: o.ssh, Agents: o.agents, SudoPassword: d.sudoPassword,
		Version: o.version, Bundle: o.bundle, Registries: o.registries, Email: o.email,
		Kubeconfig: d.kubeconfigFile(), Context: *d.cluster.flags.Context, Address: o.address,
		Image: o.image, Timeout: d.flags.timeout, Cluster: d.openCluster,
	}, nil
}

// completeK3s sets what follows from the names of the hosts and from --domain.
func (d *deployment) completeK3s() {
	o := &d.flags.k3s
	name := hostName(o.ssh.Host)
	if *d.cluster.flags.Context == "" {
		*d.cluster.flags.Context = "k3s-" + name
	}
	if o.address == "" {
		o.address = net.JoinHostPort(name, "6443")
	}
	o.exposure.Domain = strings.Join(d.flags.domains, "")
	d.flags.values.Base = k3s.Values(o.exposure, 1+len(o.agents))
}

// openCluster opens the cluster with a kubeconfig that is read now.
func (d *deployment) openCluster() (*k8s.Target, error) {
	fresh := newClusterFlags()
	fresh.KubeConfig, fresh.Context, fresh.Impersonate = d.cluster.flags.KubeConfig, d.cluster.flags.Context, d.cluster.flags.Impersonate
	d.cluster = &cluster{flags: fresh}
	return d.newK8s()
}

func (d *deployment) kubeconfigFile() string {
	if path := *d.cluster.flags.KubeConfig; path != "" {
		return path
	}
	return clientcmd.NewDefaultPathOptions().GetDefaultFilename()
}

// hostName is a host without user and port.
func hostName(host string) string {
	host = host[strings.LastIndex(host, "@")+1:]
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// completeSSH adds what belongs to the person and the terminal. It takes --user, which then selects no user of the kubeconfig.
func (d *deployment) completeSSH() error {
	home, err := os.UserHomeDir()
	if err != nil {
		return fmt.Errorf("finding ~/.ssh: %w", err)
	}
	o := &d.flags.k3s.ssh
	o.User, *d.cluster.flags.AuthInfoName = *d.cluster.flags.AuthInfoName, ""
	o.Home, o.AgentSocket = home, os.Getenv("SSH_AUTH_SOCK")
	if current, err := user.Current(); err == nil {
		o.Name = current.Username
	}
	if printers.IsTerminal(d.streams.In) {
		o.Secret = d.askSecret
		o.ConfirmHostKey = func(host, fingerprint string) bool {
			return confirmed(context.Background(), d.streams, fmt.Sprintf("%s is unknown, and has the key %s. Trust it?", host, fingerprint))
		}
	}
	return nil
}

// sudoPassword reads the password of sudo from its file, or asks for it.
func (d *deployment) sudoPassword() (string, error) {
	if file := d.flags.k3s.sudoPasswordFile; file != "" {
		text, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			return "", fmt.Errorf("reading the password of sudo: %w", err)
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	}
	if !printers.IsTerminal(d.streams.In) {
		return "", deploy.Failf(deploy.PreflightFailed, "sudo wants a password: give --sudo-password-file")
	}
	return d.askSecret("Password of sudo: ")
}

var errNoTerminal = errors.New("standard input is no terminal to ask on")
