package main

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

// clusterFlags choose the cluster and the user, with the flags and the rules of kubectl.
type clusterFlags struct {
	kubeconfig string
	overrides  clientcmd.ConfigOverrides
}

func (k *clusterFlags) register(f *pflag.FlagSet) {
	f.StringVar(&k.kubeconfig, "kubeconfig", "", "`path` to the kubeconfig file (default: $KUBECONFIG, ~/.kube/config)")
	flags := clientcmd.RecommendedConfigOverrideFlags("")
	// Those that kubectl has removed, and those that no command here needs.
	for _, unwanted := range []*clientcmd.FlagInfo{
		&flags.AuthOverrideFlags.Username, &flags.AuthOverrideFlags.Password, &flags.ContextOverrideFlags.Namespace,
		&flags.ClusterOverrideFlags.DisableCompression, &flags.ClusterOverrideFlags.ProxyURL,
	} {
		unwanted.LongName = ""
	}
	clientcmd.BindOverrideFlags(&k.overrides, f, flags)
}

func (k *clusterFlags) client() (client.Client, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = k.kubeconfig
	cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &k.overrides).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	scheme, err := k8s.NewScheme()
	if err != nil {
		return nil, err
	}
	cfg.UserAgent = "integrationctl/" + version
	c, err := client.New(cfg, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	return c, nil
}

func (k *clusterFlags) workspaces(ctx context.Context) ([]v1alpha1.Workspace, error) {
	kube, err := k.client()
	if err != nil {
		return nil, err
	}
	var all v1alpha1.WorkspaceList
	if err := kube.List(ctx, &all); err != nil {
		return nil, fmt.Errorf("listing Workspaces: %w", err)
	}
	return all.Items, nil
}
