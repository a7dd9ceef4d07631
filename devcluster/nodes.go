package devcluster

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
)

// startNodes starts the scheduler if there are nodes, and kwok if they are simulated.
func (c *Cluster) startNodes(ctx context.Context) error {
	if c.options.Nodes == 0 && c.options.Node == nil {
		return nil
	}
	dir, err := binaries.Nodes(ctx, c.options.Progress)
	if err != nil {
		return err
	}
	scheduler := []string{"--kubeconfig=" + c.Kubeconfig(), "--secure-port=0", "--leader-elect=false", "--profiling=false"}
	if err := c.run(&c.scheduler, filepath.Join(dir, binaries.Scheduler), scheduler); err != nil || c.options.Nodes == 0 {
		return err
	}
	return c.simulateNodes(ctx, dir)
}

//go:embed missingimage.yaml
var missingImage []byte

// simulateNodes starts kwok and creates the nodes. kwok soon makes them ready.
func (c *Cluster) simulateNodes(ctx context.Context, dir string) error {
	more := c.state.path("missingimage.yaml")
	if err := os.WriteFile(more, missingImage, 0o600); err != nil {
		return fmt.Errorf("writing a stage of kwok: %w", err)
	}
	kwok := []string{
		"--kubeconfig=" + c.Kubeconfig(), "--config=" + filepath.Join(dir, binaries.KwokStages), "--config=" + more, "--manage-all-nodes=true",
		"--node-port=0", "--node-lease-duration-seconds=40",
	}
	if err := c.run(&c.kwok, filepath.Join(dir, binaries.Kwok), kwok); err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	for i := range c.options.Nodes {
		node := &corev1.Node{}
		node.Name = fmt.Sprintf("node-%d", i)
		node.Labels = map[string]string{
			corev1.LabelHostname: node.Name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
			corev1.LabelTopologyZone: fmt.Sprintf("zone-%d", i%3),
		}
		node.Status.Capacity = corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("64"), corev1.ResourceMemory: resource.MustParse("256Gi"),
			corev1.ResourceEphemeralStorage: resource.MustParse("1Ti"), corev1.ResourcePods: resource.MustParse("110"),
		}
		node.Status.Allocatable = node.Status.Capacity
		_, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) { // in a state directory that was used before
			return fmt.Errorf("creating a node: %w", err)
		}
	}
	return nil
}
