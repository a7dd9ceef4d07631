package devcluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Names in the cache of what plays nodes.
const (
	schedulerBinary = "kube-scheduler"
	kwokBinary      = "kwok"
	stagesFile      = "stages.yaml"
	kwokModule      = "sigs.k8s.io/kwok"
)

// stages let nodes become and stay ready, pods run and go, and pods of Jobs complete, each at once; from kwok's own module.
var stages = []string{
	"node/fast/node-initialize.yaml", "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
	"pod/fast/pod-ready.yaml", "pod/fast/pod-complete.yaml", "pod/fast/pod-delete.yaml",
}

// NodeBinaries is as [Binaries], for kube-scheduler and kwok, which few tests need.
func NodeBinaries(ctx context.Context, progress io.Writer) (string, error) {
	if progress == nil {
		progress = io.Discard
	}
	from, err := findSource()
	if err != nil {
		return "", err
	}
	kwok := filepath.Join(filepath.Dir(from.module), "kwok")
	kwokIs, err := kwokVersion(kwok)
	if err != nil {
		return "", err
	}
	v := from.versions
	c := cache{
		dir:   filepath.Join(from.cache, "nodes", v.key()+"-kwok-"+kwokIs),
		names: []string{schedulerBinary, kwokBinary, stagesFile}, progress: progress,
	}
	return c.fill(ctx, func(dir string) error {
		fmt.Fprintf(progress, "building kube-scheduler %s and kwok %s from source, once\n", v.kubernetes, kwokIs)
		scheduler := goBuild{
			module: from.module, packages: []string{"k8s.io/kubernetes/cmd/kube-scheduler"}, linkerFlags: v.linkerFlags(), progress: progress,
		}
		if err := scheduler.run(ctx, dir); err != nil {
			return err
		}
		player := goBuild{module: kwok, packages: []string{kwokModule + "/cmd/kwok"}, linkerFlags: "-s -w", progress: progress}
		if err := player.run(ctx, dir); err != nil {
			return err
		}
		return writeStages(ctx, filepath.Join(dir, stagesFile), kwokModule+"@"+kwokIs)
	})
}

func writeStages(ctx context.Context, path, module string) error {
	source, err := ModuleSource(ctx, module)
	if err != nil {
		return err
	}
	var text []byte
	for _, stage := range stages {
		one, err := os.ReadFile(filepath.Join(source, "kustomize", "stage", filepath.FromSlash(stage)))
		if err != nil {
			return fmt.Errorf("reading a stage of kwok: %w", err)
		}
		text = append(append(text, "---\n"...), one...)
	}
	if err := os.WriteFile(path, text, 0o700); err != nil { //nolint:gosec // the cache asks that of all its files
		return fmt.Errorf("writing the stages of kwok: %w", err)
	}
	return nil
}

// startNodes starts scheduler and kwok, and makes the nodes. They are ready soon afterwards.
func (c *Cluster) startNodes(ctx context.Context) error {
	if c.options.Nodes == 0 {
		return nil
	}
	dir, err := NodeBinaries(ctx, c.options.Progress)
	if err != nil {
		return err
	}
	kubeconfig := "--kubeconfig=" + c.Kubeconfig()
	scheduler := []string{kubeconfig, "--secure-port=0", "--leader-elect=false", "--profiling=false"}
	if err := c.run(&c.scheduler, filepath.Join(dir, schedulerBinary), scheduler); err != nil {
		return err
	}
	kwok := []string{
		kubeconfig, "--config=" + filepath.Join(dir, stagesFile), "--manage-all-nodes=true",
		"--node-port=0", "--node-lease-duration-seconds=40",
	}
	if err := c.run(&c.kwok, filepath.Join(dir, kwokBinary), kwok); err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
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
		if err != nil && !apierrors.IsAlreadyExists(err) { // of a state that was used before
			return fmt.Errorf("making a node: %w", err)
		}
	}
	return nil
}
