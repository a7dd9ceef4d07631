package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

const targetK8s = "k8s"

var deployTargets = []string{targetK8s, targetK3s, targetDocker, targetFly}

// deployFlags are the flags of all commands of "deploy". Each command registers the groups that it needs.
type deployFlags struct {
	profile, progress  string
	namespace, release string
	yes, dryRun        bool
	reason             string
	wait               bool
	timeout            time.Duration
	takeOwnership      bool
	secretFile         string
	rotate             bool
	values             k8s.ValueOptions
	k3s                k3sFlags
	fly                flyFlags
	docker             dockerFlags
	domains            []string
}

const defaultRollOutTimeout = 5 * time.Minute

// newDeployment makes a command with the flags that choose the target. It takes no other arguments, unless it says so.
func newDeployment(streams genericiooptions.IOStreams, c *cobra.Command) *deployment {
	d := &deployment{streams: streams}
	d.flags.values.Replicas, d.flags.timeout, d.flags.wait = -1, defaultRollOutTimeout, true
	d.cluster = newCluster(c)
	if c.Args == nil {
		c.Args = deployArgs(0)
	}
	f := c.Flags()
	serviceFlag(c, &d.flags.namespace)
	f.StringVar(&d.flags.release, "release", "workspace-flyte-integration",
		"`name` of the release of the chart; docker: of the compose project")
	d.hostFlags(c)
	d.flyFlags(c)
	d.dockerFlags(c)
	f.StringVar(&d.flags.profile, "profile", "", "`file` with flags (default: "+deploy.ProfileFile+", if it exists)")
	c.ValidArgsFunction = completeTarget
	return d
}

func completeTarget(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return deployTargets, cobra.ShellCompDirectiveNoFileComp
}

// changeFlags are those of commands that change something.
func (d *deployment) changeFlags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVarP(&d.flags.yes, "yes", "y", false, "go on without asking")
	f.BoolVar(&d.flags.dryRun, "dry-run", false, "print the manifests or command lines, without secrets, and change nothing")
	f.StringVar(&d.flags.progress, "progress", "auto", "how to show steps: auto, plain or json")
	completeFlag(c, "progress", fixedValues("auto", "plain", "json"))
}

// rollOutFlags are those of commands that wait for replicas.
func (d *deployment) rollOutFlags(c *cobra.Command) {
	c.Flags().BoolVar(&d.flags.wait, "wait", true, "wait until all replicas are ready")
	c.Flags().DurationVar(&d.flags.timeout, "timeout", defaultRollOutTimeout, "how long to wait")
}

func (d *deployment) reasonFlag(c *cobra.Command) {
	c.Flags().StringVar(&d.flags.reason, "reason", "", "`text` that the history shows: why you deploy")
}

// valueFlags are those that make the values of the chart.
func (d *deployment) valueFlags(c *cobra.Command) {
	f, v := c.Flags(), &d.flags.values
	f.StringArrayVarP(&v.Files, "values", "f", nil, "`file` with values of the chart; a later one wins")
	f.StringArrayVar(&v.Set, "set", nil, "`key=value` of the chart; wins over files and other flags")
	f.StringVar(&v.Image, "image", "", "`repository[:tag][@digest]` of the service")
	f.IntVar(&v.Replicas, "replicas", -1, "`number` of replicas, or the autoscaler's minimum (default: unchanged)")
	f.Lookup("replicas").DefValue = "0" // help says what the default is
	f.StringVar(&v.Strategy, "strategy", "", "how replicas are replaced: rolling or recreate")
	f.StringVar(&v.CPU, "cpu", "", "CPU `limit` of a replica, such as 500m")
	f.StringVar(&v.Memory, "memory", "", "memory `limit` of a replica, such as 1Gi")
	f.BoolVar(&v.Exposure.Ingress, "ingress", false, "expose the signed routes by an Ingress")
	f.StringVar(&v.Exposure.Host, "ingress-host", "", "`host` name that senders use")
	f.StringVar(&v.Exposure.Class, "ingress-class", "", "`name` of the IngressClass")
	f.StringVar(&v.Exposure.TLS, "ingress-tls", "", "`certificate`: auto (cert-manager), the name of a Secret, acm:ARN, or gke")
	f.StringVar(&v.Exposure.Issuer, "ingress-issuer", "letsencrypt-prod", "`ClusterIssuer` of cert-manager for --ingress-tls auto")
	f.StringVar(&v.Exposure.Gateway, "gateway", "",
		"`[namespace/]name[/listener]` of a Gateway that exposes the signed routes, instead of an Ingress")
	f.BoolVar(&d.flags.takeOwnership, "take-ownership", false, "adopt objects that another tool has installed")
	completeFlag(c, "strategy", fixedValues("rolling", "recreate"))
	completeFlag(c, "ingress-tls", fixedValues("auto", "acm:", "gke"))
}

func (d *deployment) newK8s() (*k8s.Target, error) {
	secret, err := d.webhookSecret()
	if err != nil {
		return nil, err
	}
	target, err := k8s.New(k8s.Options{
		Name: d.target, Cluster: d.cluster.flags, Context: d.cluster.contextName(), Namespace: d.flags.namespace, Release: d.flags.release,
		Values: d.flags.values, Wait: d.flags.wait, Timeout: d.flags.timeout, TakeOwnership: d.flags.takeOwnership, Reason: d.flags.reason,
		Secret: secret, Rotate: d.flags.rotate, Preflight: d.preflight(),
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errKubeconfig, err)
	}
	return target, nil
}

// webhookSecret is the secret in the file, or a new one.
func (d *deployment) webhookSecret() (string, error) {
	if d.flags.secretFile == "" {
		return signature.NewSecret(), nil
	}
	text, err := secretText(d.flags.secretFile, "webhook-secret-file", "")
	if err != nil {
		return "", err
	}
	if _, err := signature.ParseKeys(text); err != nil {
		return "", fmt.Errorf("reading the secret (--webhook-secret-file): %w", err)
	}
	return text, nil
}

// contextName is the context of the kubeconfig that is used.
func (k *cluster) contextName() string {
	if k.flags.Context != nil && *k.flags.Context != "" {
		return *k.flags.Context
	}
	raw, err := k.flags.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return ""
	}
	return raw.CurrentContext
}

// place says where something is about to change.
func (d *deployment) place() string {
	switch {
	case d.onMachines():
		return fmt.Sprintf("app %q", d.flags.fly.App)
	case d.target == targetDocker:
		return d.dockerPlace()
	}
	text := fmt.Sprintf("context %q", d.cluster.contextName())
	if d.target == targetK3s {
		return fmt.Sprintf("host %s, %s, namespace %q, release %q", d.flags.k3s.ssh.Host, text, d.flags.namespace, d.flags.release)
	}
	if cfg, err := d.cluster.config(); err == nil {
		text += " (" + cfg.Host + ")"
	}
	return fmt.Sprintf("%s, namespace %q, release %q", text, d.flags.namespace, d.flags.release)
}
