package main

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

func newDeployRender(streams genericiooptions.IOStreams) *cobra.Command {
	c := &cobra.Command{
		Use:   "render [TARGET]",
		Short: "Print what up would install, without a cluster",
		Long: `Print the manifests of the chart, without the values of Secrets. It reaches no cluster, so it renders for Kubernetes ` +
			deploy.DefaultKubeVersion + `.
"deploy up --dry-run" renders for the version and the APIs of the cluster.`,
		Example: `  integrationctl deploy render k8s -f values.yaml
  integrationctl deploy render k8s --set flyte.consoleURL=https://flyte.company.com --image integration:0.2.0`,
	}
	d := newDeployment(streams, c)
	d.valueFlags(c)
	d.upHostFlags(c)
	d.upFlyFlags(c)
	d.upDockerFlags(c)
	c.RunE = withTarget(d, func(c *cobra.Command, renderer deploy.Renderer, _ []string) error {
		return asDeployError(c.Context(), renderer.Render(c.Context(), streams.Out))
	})
	return c
}
