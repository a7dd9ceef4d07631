package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

func newDeploySetup(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "setup [TARGET]",
		Short: "Prepare a target, once",
		Long: `Check the cluster as doctor does, its version and your rights, then create the namespace and the Secret with a webhook
secret. What exists stays as it is. The secret is never printed: the last step says how to read it.

On k3s it first installs K3s over SSH, as root or with sudo. If it is interrupted, run it again: it continues where it
stopped. Host keys are verified: give --host-key in a script. The kubeconfig gets a context k3s-HOST.

On docker it checks the engine, and writes the secrets into a volume of the host, for the user of the service alone.

On fly it checks flyctl, your account and the organization, creates the app, and stages the secrets by standard input.`,
		Example: `  integrationctl deploy setup k8s --context production
  integrationctl deploy setup k8s --webhook-secret-file webhook.secret --yes
  integrationctl deploy setup k8s --rotate --yes
  integrationctl deploy setup k3s --host ops@203.0.113.7 --acme-email ops@company.com
  integrationctl deploy setup k3s --host node1 --bundle k3s-v1.35.5 --sudo-password-file sudo.password --yes
  integrationctl deploy setup docker --host node1 --webhook-secret-file webhook.secret --service-kubeconfig flyte.kubeconfig
  integrationctl deploy setup fly --app workspaces --webhook-secret-file webhook.secret --service-kubeconfig flyte.kubeconfig`,
	}
	d := newDeployment(streams, c)
	d.changeFlags(c)
	d.setupHostFlags(c)
	d.setupFlyFlags(c)
	c.Flags().DurationVar(&d.flags.timeout, "timeout", defaultRollOutTimeout, "how long to wait")
	c.Flags().StringVar(&d.flags.secretFile, "webhook-secret-file", "",
		"`file` with the webhook secret (default: a new one; fly, docker: none)")
	c.Flags().BoolVar(&d.flags.rotate, "rotate", false, "add a webhook secret to the existing one, and drop older ones")
	c.RunE = withTarget(d, func(c *cobra.Command, target deploy.Target, _ []string) error {
		return d.change(c, target, deploy.ActionSetup, "", target.Setup)
	})
	return c
}

// preflight runs the checks of doctor that make sense before anything is installed.
func (d *deployment) preflight() func(context.Context) error {
	return func(ctx context.Context) error {
		e, err := newExamination(d.cluster, settingsFlags{namespace: d.flags.namespace, release: d.flags.release})
		if err != nil {
			return err
		}
		for _, f := range append([]finding{e.checkAPIServer(ctx)}, e.checkClock(ctx)...) {
			switch f.Outcome {
			case outcomeFailed:
				return deploy.Failf(deploy.PreflightFailed, "%s: %s; %s", f.Check, f.Found, f.Remedy)
			case outcomeWarning:
				fmt.Fprintf(d.streams.ErrOut, "%s: %s; %s\n", f.Check, f.Found, f.Remedy)
			}
		}
		return nil
	}
}
