package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/kueue"
)

// treePrinter is the command "tree".
type treePrinter struct {
	streams genericiooptions.IOStreams
	cluster *cluster
}

func newTreeCommand(streams genericiooptions.IOStreams) *cobra.Command {
	t := &treePrinter{streams: streams}
	c := &cobra.Command{
		Use:     "tree ID",
		Short:   "Show what the service made of a workspace, with age and health",
		Example: `  integrationctl tree ws-001`,
		Args:    cobra.ExactArgs(1),
		RunE:    t.run,
	}
	t.cluster = newCluster(c)
	c.ValidArgsFunction = t.cluster.completeWorkspace
	return c
}

// node is an object in the tree.
type node struct {
	name, age, health string
	children          []node
}

func (t *treePrinter) run(c *cobra.Command, args []string) error {
	kube, w, err := t.cluster.open(c.Context(), args[0])
	if err != nil {
		return err
	}
	now := time.Now()
	root := node{name: "Workspace/" + w.Name, age: age(w.CreationTimestamp, now), health: readiness(w.ReadyCondition())}
	if root.children, err = childNodes(c.Context(), kube, w, now); err != nil {
		return err
	}
	table := newTable("Object", "Age", "Health")
	root.addTo(table, "", "")
	return printTable(t.streams.Out, table)
}

// childNodes are the namespaces of a workspace, its queues, and its Flyte project.
func childNodes(ctx context.Context, kube client.Client, w *v1alpha1.Workspace, now time.Time) (nodes []node, err error) {
	kinds, err := childKinds(ctx, kube, w)
	if err != nil {
		return nil, err
	}
	for _, name := range namespacesOf(ctx, kube, w) {
		n, err := namespaceNode(ctx, kube, name, kinds, now)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	queues, err := ownedOf(ctx, kube, kueue.GroupVersion.WithKind("ClusterQueue"), now, ofWorkspace(w))
	if err != nil {
		return nil, err
	}
	return append(append(nodes, queues...), projectNode(w)), nil
}

// namespacesOf are the namespaces of a workspace, also those that status does not name, since they are terminating.
func namespacesOf(ctx context.Context, kube client.Client, w *v1alpha1.Workspace) []string {
	names := slices.Clone(w.Status.Namespaces)
	var labelled metav1.PartialObjectMetadataList
	labelled.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("NamespaceList"))
	if kube.List(ctx, &labelled, client.MatchingLabels{v1alpha1.LabelWorkspace: w.Name}) != nil {
		return names // those that status names are enough for somebody who may not list namespaces
	}
	for i := range labelled.Items {
		if name := labelled.Items[i].Name; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func readiness(c metav1.Condition) string {
	if c.Status == "" {
		return "no status yet"
	}
	if c.Status == metav1.ConditionTrue {
		return c.Reason
	}
	return "not Ready: " + c.Reason
}

func projectNode(w *v1alpha1.Workspace) node {
	n := node{name: "Flyte project/" + w.Name, health: "not registered"}
	for _, c := range w.Status.Conditions {
		if c.Type == v1alpha1.ConditionFlyteProjectRegistered {
			n.health = c.Reason
		}
	}
	return n
}

func ofWorkspace(w *v1alpha1.Workspace) client.ListOption {
	return client.MatchingLabels{v1alpha1.LabelWorkspace: w.Name, v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}
}

// childKinds are the kinds that the service makes in a namespace: its own, LocalQueues, and those of the objects of the workspace's tier,
// if the user may read that.
func childKinds(ctx context.Context, kube client.Client, w *v1alpha1.Workspace) (kinds []schema.GroupVersionKind, err error) {
	for _, child := range k8s.Children() {
		kind, err := apiutil.GVKForObject(child, kube.Scheme())
		if err != nil {
			return nil, err
		}
		kinds = append(kinds, kind)
	}
	kinds = append(kinds, kueue.GroupVersion.WithKind("LocalQueue"))
	var tier v1alpha1.WorkspaceTier
	if kube.Get(ctx, client.ObjectKey{Name: cmp.Or(w.Spec.Tier, v1alpha1.DefaultTier)}, &tier) != nil {
		return kinds, nil //nolint:nilerr // without the tier, its kinds are unknown
	}
	for i := range tier.Spec.Objects {
		o := &tier.Spec.Objects[i]
		if kind := schema.FromAPIVersionAndKind(o.APIVersion, o.Kind); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds, nil
}

// namespaceNode reads a namespace and what the service made in it.
func namespaceNode(
	ctx context.Context, kube client.Client, name string, kinds []schema.GroupVersionKind, now time.Time,
) (node, error) {
	n := node{name: "Namespace/" + name}
	var namespace corev1.Namespace
	switch err := kube.Get(ctx, client.ObjectKey{Name: name}, &namespace); {
	case apierrors.IsNotFound(err):
		n.health = "missing"
		return n, nil
	case err != nil:
		return n, fmt.Errorf("reading namespace %q: %w", name, err)
	}
	n.age, n.health = age(namespace.CreationTimestamp, now), string(namespace.Status.Phase)
	ours := client.MatchingLabels{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}
	for _, kind := range kinds {
		found, err := ownedOf(ctx, kube, kind, now, client.InNamespace(name), ours)
		if err != nil {
			return n, err
		}
		n.children = append(n.children, found...)
	}
	return n, nil
}

// ownedOf lists objects of a kind, which the cluster may lack.
func ownedOf(
	ctx context.Context, kube client.Client, gvk schema.GroupVersionKind, now time.Time, options ...client.ListOption,
) (nodes []node, err error) {
	var list metav1.PartialObjectMetadataList
	list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
	err = kube.List(ctx, &list, options...)
	if meta.IsNoMatchError(err) || apierrors.IsNotFound(err) { // not installed
		return nil, nil
	}
	if apierrors.IsForbidden(err) { // Secrets, to most people
		return []node{{name: gvk.Kind, health: "you may not see them"}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing %ss: %w", gvk.Kind, err)
	}
	for i := range list.Items {
		nodes = append(nodes, objectNode(gvk.Kind, &list.Items[i], now))
	}
	return nodes, nil
}

func objectNode(kind string, o *metav1.PartialObjectMetadata, now time.Time) node {
	n := node{name: kind + "/" + o.Name, age: age(o.CreationTimestamp, now), health: "in place"}
	if o.DeletionTimestamp != nil {
		n.health = "terminating for " + age(*o.DeletionTimestamp, now)
	}
	return n
}

// addTo adds the rows of a node and its children. first is in front of its name, and rest in front of its children's.
func (n *node) addTo(t *metav1.Table, first, rest string) {
	t.Rows = append(t.Rows, metav1.TableRow{Cells: []any{first + n.name, n.age, n.health}})
	for i := range n.children {
		if i == len(n.children)-1 {
			n.children[i].addTo(t, rest+"└─", rest+"  ")
		} else {
			n.children[i].addTo(t, rest+"├─", rest+"│ ")
		}
	}
}
