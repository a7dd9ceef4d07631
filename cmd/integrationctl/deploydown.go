package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

func newDeployDown(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "down [TARGET]",
		Short: "Remove the service",
		Long: `Uninstall the release. Workspaces, tiers, CRDs, the roles of members, the policies for tenants, and the webhook secret stay, so
that "deploy up" continues where it was.

--purge deletes these, too. Then members lose their access and every Workspace is gone; the namespaces of workspaces,
with everything in them, and the Flyte projects always stay. You confirm it by typing the namespace and the release, or with
--confirm NAMESPACE/RELEASE. On k3s, --purge also uninstalls K3s.

On fly, the Machines are removed; the app stays with its secrets and certificates until --purge destroys it. Workspaces in
Flyte's cluster always stay. The confirmation is the name of the app.

On docker, container and network are removed; the volume with secrets and history, and the images, stay until --purge removes
them. The confirmation is HOST/PROJECT, or local/PROJECT.`,
		Example: `  integrationctl deploy down k8s --context staging
  integrationctl deploy down k8s --purge --confirm platform-services/workspace-flyte-integration`,
	}
	d := newDeployment(streams, c)
	d.changeFlags(c)
	c.Flags().DurationVar(&d.flags.timeout, "timeout", defaultRollOutTimeout, "how long to wait until the replicas have stopped")
	var purge bool
	var confirm string
	c.Flags().BoolVar(&purge, "purge", false,
		"also delete Workspaces, tiers, CRDs, roles, policies and the webhook secret; fly: the app; docker: secrets, history and images")
	c.Flags().StringVar(&confirm, "confirm", "", "`namespace/release`, host/project or app that --purge deletes, instead of typing it")
	c.RunE = withTarget(d, func(c *cobra.Command, target deploy.Target, _ []string) error {
		if purge {
			return d.purge(c, target, confirm)
		}
		return d.remove(c, target, deploy.ActionDown, deploy.RemoveService)
	})
	return c
}

func (d *deployment) purge(c *cobra.Command, target deploy.Target, confirm string) error {
	if !d.flags.dryRun {
		if err := d.confirmPurge(c.Context(), confirm); err != nil {
			return err
		}
	}
	return d.remove(c, target, deploy.ActionPurge, deploy.RemoveEverything)
}

func (d *deployment) remove(c *cobra.Command, target deploy.Target, action deploy.Action, what deploy.Removal) error {
	return d.change(c, target, action, "", func(ctx context.Context, steps *progress.Steps) error {
		return target.Down(ctx, steps, what)
	})
}

// confirmPurge wants the names typed: --yes is not enough.
func (d *deployment) confirmPurge(ctx context.Context, typed string) error {
	wanted, what := d.flags.namespace+"/"+d.flags.release, "every Workspace in "+d.place()
	switch {
	case d.onMachines():
		wanted, what = d.flags.fly.App, d.place()+" with its secrets, certificates and addresses"
	case d.target == targetDocker:
		wanted, what = cmp.Or(hostName(d.flags.k3s.ssh.Host), "local")+"/"+d.flags.release, d.place()+" with its secrets, history and images"
	}
	if typed == "" {
		if !printers.IsTerminal(d.streams.In) {
			return usagef("--purge deletes %s: give --confirm %s", what, wanted)
		}
		typed = ask(ctx, d.streams, fmt.Sprintf("This deletes %s.\nType %s to go on: ", what, wanted))
	}
	if typed != wanted {
		return &codedError{exitError, "nothing was deleted: the confirmation is not " + wanted}
	}
	d.flags.yes = true
	return nil
}
