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
		Args: deployArgs(0),
	}
	d := newDeployment(streams, c)
	d.valueFlags(c)
	d.upHostFlags(c)
	d.upFlyFlags(c)
	d.upDockerFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		renderer, _, err := openAs[deploy.Renderer](d, c, args)
		if err != nil {
			return err
		}
		return written(c.Context(), streams.Out, renderer.Render)
	}
	return c
}
