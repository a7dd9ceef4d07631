package k8s

import (
	"context"
	"fmt"
	"io"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubectl/pkg/drain"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy/progress"
)

// ClusterNodes lists the nodes of the cluster, and counts the service's pods on each.
func (t *Target) ClusterNodes(ctx context.Context) ([]corev1.Node, map[string]int, error) {
	var nodes corev1.NodeList
	if err := t.client.List(ctx, &nodes); err != nil {
		return nil, nil, fmt.Errorf("listing the nodes: %w", err)
	}
	var pods corev1.PodList
	ours := client.MatchingLabels{"app.kubernetes.io/instance": t.o.Release}
	if err := t.client.List(ctx, &pods, client.InNamespace(t.o.Namespace), ours); err != nil {
		return nil, nil, fmt.Errorf("listing the service's pods: %w", err)
	}
	counts := map[string]int{}
	for i := range pods.Items {
		counts[pods.Items[i].Spec.NodeName]++
	}
	return nodes.Items, counts, nil
}

// DrainNode evicts the pods of a node, as `kubectl drain` does.
func (t *Target) DrainNode(ctx context.Context, step *progress.Step, name string) error {
	node, err := t.clientset.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading node %q: %w", name, err)
	}
	helper := &drain.Helper{
		Ctx: ctx, Client: t.clientset, GracePeriodSeconds: -1, IgnoreAllDaemonSets: true, DeleteEmptyDirData: true, Timeout: t.o.Timeout,
		Out: io.Discard, ErrOut: io.Discard,
		OnPodDeletionOrEvictionFinished: func(pod *corev1.Pod, _ bool, err error) {
			if err == nil {
				step.Output("evicted pod " + pod.Namespace + "/" + pod.Name)
			}
		},
	}
	if err := drain.RunCordonOrUncordon(helper, node, true); err != nil {
		return fmt.Errorf("cordoning node %q: %w", name, err)
	}
	if err := drain.RunNodeDrain(helper, name); err != nil {
		return fmt.Errorf("draining node %q: %w", name, err)
	}
	return nil
}

// NameLocalVolumes names the volumes whose data is on the node's disk alone.
func (t *Target) NameLocalVolumes(ctx context.Context, step *progress.Step, node string) error {
	var volumes corev1.PersistentVolumeList
	if err := t.client.List(ctx, &volumes); err != nil {
		return fmt.Errorf("listing the volumes: %w", err)
	}
	for i := range volumes.Items {
		v := &volumes.Items[i]
		if !boundTo(v, node) {
			continue
		}
		text := "volume " + v.Name
		if claim := v.Spec.ClaimRef; claim != nil {
			text += " of claim " + claim.Namespace + "/" + claim.Name
		}
		step.Output(text + " is on this node's disk alone, and is lost with it")
	}
	return nil
}

func boundTo(v *corev1.PersistentVolume, node string) bool {
	if v.Spec.NodeAffinity == nil || v.Spec.NodeAffinity.Required == nil {
		return false
	}
	for _, term := range v.Spec.NodeAffinity.Required.NodeSelectorTerms {
		for _, e := range term.MatchExpressions {
			if e.Key == corev1.LabelHostname && e.Operator == corev1.NodeSelectorOpIn && slices.Contains(e.Values, node) {
				return true
			}
		}
	}
	return false
}

// DeleteNode takes a node out of the cluster.
func (t *Target) DeleteNode(ctx context.Context, name string) error {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := client.IgnoreNotFound(t.client.Delete(ctx, node)); err != nil {
		return fmt.Errorf("deleting node %q: %w", name, err)
	}
	return nil
}
