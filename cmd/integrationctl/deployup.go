package main

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

func newDeployUp(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "up [TARGET]",
		Short: "Install or update the service, and roll back if it fails",
		Long: `Install the chart, or upgrade the release to it, then wait until all replicas are ready. While one is not, the steps say
why: its state, its Events, the last lines of its log. If they are not ready in time, the newest revision that worked is
restored and the exit code is 4, or 5 if that fails, too. The failed revision and its reason stay in the history.

CRDs are upgraded first. A release of Helm 3 is upgraded, too. A revision that an interrupted program left pending is rolled
back first. The number of replicas of "deploy scale" stays, unless --replicas or the values set one.

On docker, a second container of the new image must get ready first. Then it is replaced by one that has the port, and the step
says how long nobody answered.`,
		Example: `  integrationctl deploy up k8s --image registry.company.com/integration:0.2.0 --set flyte.consoleURL=https://flyte.company.com
  integrationctl deploy up k8s -f values.yaml --ingress --ingress-host workspaces.company.com --ingress-tls auto --yes
  integrationctl deploy up --profile production.yaml --reason "faster queue" --progress json --yes
  integrationctl deploy up k8s -f values.yaml --dry-run
  integrationctl deploy up k3s --host node1 --image-archive image.tar --domain workspaces.company.com -f values.yaml --yes
  integrationctl deploy up docker --host node1 --image-archive image.tar --env FLYTE_CONSOLE_URL=https://flyte.company.com
  integrationctl deploy up fly --profile fly.yaml --image registry.company.com/integration:0.2.0 --yes`,
	}
	d := newDeployment(streams, c)
	d.valueFlags(c)
	d.upHostFlags(c)
	d.upFlyFlags(c)
	d.upDockerFlags(c)
	d.changeFlags(c)
	d.reasonFlag(c)
	d.rollOutFlags(c)
	c.RunE = withTarget(d, func(c *cobra.Command, target deploy.Target, _ []string) error {
		return d.change(c, target, deploy.ActionUp, "", target.Up)
	})
	return c
}
