package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// A shell waits for completions, so they are few and come soon or not at all.
const (
	completionTimeout = 2 * time.Second
	maxCompletions    = 500
)

func completeFlag(c *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // the command has no such flag, or it is registered twice
	}
}

func fixedValues(values ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}

// completeNames completes names of objects in the cluster that are not among the arguments yet. Without a cluster there are none.
func (k *cluster) completeNames(
	c *cobra.Command, list metav1.PartialObjectMetadataList, args []string,
) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(c.Context(), completionTimeout)
	defer cancel()
	kube, err := k.client()
	if err != nil || kube.List(ctx, &list, client.Limit(maxCompletions)) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for i := range list.Items {
		if name := list.Items[i].Name; !slices.Contains(args, name) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func metadataList(kind string) (list metav1.PartialObjectMetadataList) {
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind + "List"))
	return list
}

// completeWorkspace completes the one workspace of a command.
func (k *cluster) completeWorkspace(c *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return k.completeWorkspaces(c, args, toComplete)
}

// completeWorkspaces completes any number of workspaces.
func (k *cluster) completeWorkspaces(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return k.completeNames(c, metadataList("Workspace"), args)
}

func (k *cluster) completeTiers(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return k.completeNames(c, metadataList("WorkspaceTier"), nil)
}

func (k *cluster) completeContexts(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	config, err := k.flags.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for name := range config.Contexts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (g *getter) complete(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return []string{"workspaces", "tiers"}, cobra.ShellCompDirectiveNoFileComp
	}
	of, err := parseKind(args[0])
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return g.cluster.completeNames(c, metadataList(of.kindGVK.Kind), args[1:])
}
