package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

// cluster is the cluster and the user that a command acts on, chosen with the flags and the rules of kubectl.
type cluster struct {
	flags *genericclioptions.ConfigFlags
}

// serviceNamespace is where the chart's examples install the service.
const serviceNamespace = "platform-services"

func newClusterFlags() *genericclioptions.ConfigFlags {
	flags := genericclioptions.NewConfigFlags(true)
	flags.Namespace, flags.CacheDir, flags.DisableCompression = nil, nil, nil
	flags.WrapConfigFn = func(cfg *rest.Config) *rest.Config {
		cfg.UserAgent = programName + "/" + version
		cfg.QPS = -1 // the API server's own fairness decides
		return cfg
	}
	return flags
}

// newCluster adds kubectl's flags to a command. Help shows the usual ones.
func newCluster(c *cobra.Command) *cluster {
	k := &cluster{flags: newClusterFlags()}
	added := pflag.NewFlagSet("", pflag.ContinueOnError)
	k.flags.AddFlags(added)
	usual := map[string]string{
		"kubeconfig": "`path` of the kubeconfig file (default: $KUBECONFIG, ~/.kube/config)",
		"context":    "`context` of the kubeconfig to use",
		"as":         "`user` to act as",
	}
	added.VisitAll(func(f *pflag.Flag) {
		f.Hidden = usual[f.Name] == ""
		f.Usage = cmp.Or(usual[f.Name], f.Usage)
		c.Flags().AddFlag(f)
	})
	completeFlag(c, "context", k.completeContexts)
	return k
}

// serviceFlag adds the flag for the namespace of the service.
func serviceFlag(c *cobra.Command, namespace *string) {
	c.Flags().StringVarP(namespace, "namespace", "n", serviceNamespace, "`namespace` of the service")
}

var errKubeconfig = errors.New("reading the kubeconfig")

func (k *cluster) config() (*rest.Config, error) {
	cfg, err := k.flags.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errKubeconfig, err)
	}
	return cfg, nil
}

func (k *cluster) client() (client.WithWatch, error) {
	cfg, err := k.config()
	if err != nil {
		return nil, err
	}
	scheme, err := k8s.NewScheme()
	if err != nil {
		return nil, err
	}
	c, err := client.NewWithWatch(cfg, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	return c, nil
}

// open makes a client, and reads one Workspace by it.
func (k *cluster) open(ctx context.Context, id string) (client.WithWatch, *v1alpha1.Workspace, error) {
	kube, err := k.client()
	if err != nil {
		return nil, nil, err
	}
	w, err := k.workspace(ctx, kube, id)
	return kube, w, err
}

// workspace reads one Workspace.
func (k *cluster) workspace(ctx context.Context, kube client.Client, id string) (*v1alpha1.Workspace, error) {
	var w v1alpha1.Workspace
	if err := kube.Get(ctx, client.ObjectKey{Name: id}, &w); err != nil {
		return nil, fmt.Errorf("reading workspace %q: %w", id, err)
	}
	return &w, nil
}
