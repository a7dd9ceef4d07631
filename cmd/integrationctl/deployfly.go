package main

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/fly"
)

const (
	targetFly = "fly"

	runtimeMachines   = "machines"
	runtimeKubernetes = "fks"
)

// flyFlags are those of the target fly.
type flyFlags struct {
	fly.Options

	environment, secretFiles []string
	kubeconfig, runtime      string
	force                    bool
}

// variableName is the name of an environment variable. fly.toml takes it without quotes.
var variableName = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

// chartFlags are those that only targets with the chart have.
var chartFlags = []string{
	"values", "set", "cpu", "take-ownership", "namespace", "release", "reason", "rotate", "context",
}

// flyFlags are those of all commands.
func (d *deployment) flyFlags(c *cobra.Command) {
	f, o := c.Flags(), &d.flags.fly
	f.StringVar(&o.App, "app", "", "fly: `name` of the app")
	f.StringVar(&o.Flyctl, "flyctl", "flyctl", "fly: flyctl `program` to run")
	f.StringVar(&o.runtime, "runtime", runtimeMachines, "fly: machines, or fks for Fly Kubernetes, which was shut down on 2026-10-15")
	completeFlag(c, "runtime", fixedValues(runtimeMachines, runtimeKubernetes))
}

// setupFlyFlags are those of the app and its secrets.
func (d *deployment) setupFlyFlags(c *cobra.Command) {
	f, o := c.Flags(), &d.flags.fly
	f.StringVar(&o.Organization, "org", "personal", "fly: `organization` that owns the app")
	f.StringVar(&o.kubeconfig, "service-kubeconfig", "",
		"fly, docker: `file` with the kubeconfig by which the service reaches Flyte's cluster")
	f.StringArrayVar(&o.secretFiles, "secret-file", nil,
		"fly, docker: `NAME=FILE` with a further secret of the service, such as FLYTE_CLIENT_SECRET")
	f.BoolVar(&o.force, "force", false, "fly: use --runtime fks although Fly Kubernetes was shut down")
}

// upFlyFlags are those of fly.toml.
func (d *deployment) upFlyFlags(c *cobra.Command) {
	f, o := c.Flags(), &d.flags.fly
	d.upRegionFlag(c)
	f.StringArrayVar(&o.environment, "env", nil, "fly, docker: `NAME=VALUE` that configures the service; no secrets")
	f.StringVar(&o.Size, "vm-size", "shared-cpu-1x", "fly: `size` of a Machine")
	f.BoolVar(&o.force, "force", false, "fly: use --runtime fks although Fly Kubernetes was shut down")
}

// upRegionFlag says where Machines are added.
func (d *deployment) upRegionFlag(c *cobra.Command) {
	c.Flags().StringSliceVar(&d.flags.fly.Regions, "region", nil, "fly: `region` such as fra; the first one is the primary one")
}

// onMachines says whether the target is Fly Machines, and no cluster.
func (d *deployment) onMachines() bool {
	return d.target == targetFly && d.flags.fly.runtime != runtimeKubernetes
}

func (d *deployment) openFly(c *cobra.Command) (deploy.Target, error) {
	flags := &d.flags.fly
	switch {
	case flags.runtime == runtimeKubernetes:
		return d.openFlyKubernetes()
	case flags.runtime != runtimeMachines:
		return nil, usagef("--runtime must be machines or fks, not %q", flags.runtime)
	case flags.App == "":
		return nil, usagef("--app is required: the name of the app")
	}
	if err := refuseFlags(c, chartFlags, "Fly Machines"); err != nil {
		return nil, err
	}
	o, err := d.flyOptions()
	if err != nil {
		return nil, err
	}
	target, err := fly.New(*o)
	if err != nil {
		return nil, usagef("%v", err)
	}
	return target, nil
}

// refuseFlags refuses flags of other targets.
func refuseFlags(c *cobra.Command, names []string, target string) (err error) {
	c.Flags().Visit(func(f *pflag.Flag) {
		if err == nil && slices.Contains(names, f.Name) {
			err = usagef("--%s is a flag of other targets, not of %s", f.Name, target)
		}
	})
	return err
}

func (d *deployment) flyOptions() (*fly.Options, error) {
	o := &d.flags.fly.Options
	v := &d.flags.values
	o.Image, o.Replicas, o.Domains, o.Strategy = v.Image, v.Replicas, d.flags.domains, v.Strategy
	o.Wait, o.Timeout, o.Memory = d.flags.wait, d.flags.timeout, "512Mi"
	if v.Memory != "" {
		o.Memory = v.Memory
	}
	if !slices.Contains([]string{"", "rolling", "recreate"}, o.Strategy) {
		return nil, usagef("--strategy must be rolling or recreate, not %q", o.Strategy)
	}
	var err error
	if o.Environment, err = d.environment(); err != nil {
		return nil, err
	}
	o.Secrets, err = d.secrets(fly.WebhookSecret, fly.KubeconfigSecret, fly.Kubeconfig, func(variable string) string { return variable })
	return o, err
}

// openFlyKubernetes opens the chart in a cluster of Fly Kubernetes.
func (d *deployment) openFlyKubernetes() (deploy.Target, error) {
	fmt.Fprintf(d.streams.ErrOut, "%s. It does not enforce NetworkPolicies.\n", fly.Shutdown)
	d.flags.values.Base = fly.KubernetesValues()
	target, err := d.newK8s()
	if err != nil {
		return nil, err
	}
	return &fly.Kubernetes{Target: target, Force: d.flags.fly.force}, nil
}
