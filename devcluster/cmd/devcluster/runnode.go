package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"platform.company.com/workspace-flyte-integration/devcluster/freeport"
	"platform.company.com/workspace-flyte-integration/devcluster/node"
	"platform.company.com/workspace-flyte-integration/devcluster/runports"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

// Images of `run --node`, made of the programs in bin/.
const (
	serviceRepository = "wfi.invalid/integration"
	serviceTag        = "dev"
	flyteImage        = "wfi.invalid/flyte-double:dev"
)

// nodeRun is a cluster with a real node, on which the chart is installed with its pods.
type nodeRun struct {
	// once stops it when the pods run.
	once    bool
	dir     string
	ports   runports.Ports
	cluster *node.Cluster
	client  kubernetes.Interface
	service *service.Service
}

// run starts the node, installs the chart with real pods, sends the samples as signed webhooks, starts a pod in each workspace, and shows
// both. Then it serves until ctx ends, unless it is to stop.
func (r *nodeRun) run(ctx context.Context) (err error) {
	r.cluster, err = node.Start(ctx, node.Options{
		Dir: filepath.Join(r.dir, "cluster"), Progress: os.Stderr, APIServerPort: r.ports.Kubernetes,
	})
	if err != nil {
		return err
	}
	defer r.cluster.Stop()
	cfg := r.cluster.Config()
	cfg.WarningHandler = rest.NoWarnings{} // the pods of tasks are baseline, not restricted
	if r.client, err = kubernetes.NewForConfig(cfg); err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	r.service = &service.Service{URL: "http://" + freeport.Address(r.ports.Integration), Secret: signature.NewSecret()}
	for _, step := range []func(context.Context) error{
		r.loadImages, r.createFlyte, r.installChart, r.forwardService, r.sendSamples, r.showWorkspaces, r.startTasks, r.showPods,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if r.once {
		return nil
	}
	return r.serve(ctx)
}

func (r *nodeRun) loadImages(ctx context.Context) error {
	progress("loading images of the programs in bin/ into the node")
	for name, program := range map[string]string{serviceRepository + ":" + serviceTag: "integration", flyteImage: "devcluster"} {
		if err := r.cluster.Load(ctx, node.Image{Name: name, Program: sibling(program)}); err != nil {
			return err
		}
	}
	return nil
}

// forwardService makes the Service reachable at a port of this machine.
func (r *nodeRun) forwardService(ctx context.Context) error {
	s, err := r.client.CoreV1().Services(service.Namespace).Get(ctx, releaseName, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading the Service: %w", err)
	}
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", freeport.Address(r.ports.Integration))
	if err != nil {
		return fmt.Errorf("listening for webhooks: %w", err)
	}
	context.AfterFunc(ctx, func() { lis.Close() })
	go r.cluster.Forward(ctx, lis, net.JoinHostPort(s.Spec.ClusterIP, "80"))
	return os.WriteFile(filepath.Join(r.dir, envFile), []byte(exports(map[string]string{
		"KUBECONFIG": r.cluster.Kubeconfig(), "WORKSPACE_WEBHOOK_SECRET": r.service.Secret, "INTEGRATIONCTL_URL": r.service.URL,
	})), 0o600)
}

// sendSamples sends a signed webhook for each sample.
func (r *nodeRun) sendSamples(ctx context.Context) error {
	files, err := samples.ReadDir("samples")
	if err != nil {
		return fmt.Errorf("reading the samples: %w", err)
	}
	for _, file := range files {
		text, err := samples.ReadFile("samples/" + file.Name())
		if err != nil {
			return fmt.Errorf("reading the samples: %w", err)
		}
		progress("sending a signed webhook: samples/" + file.Name())
		reply, err := r.service.Deliver(ctx, service.Message{ID: "sample-" + strings.TrimSuffix(file.Name(), ".json"), Body: text})
		if err != nil {
			return fmt.Errorf("sending samples/%s: %w", file.Name(), err)
		}
		if reply.Status != http.StatusAccepted {
			return fmt.Errorf("sending samples/%s: %d %s", file.Name(), reply.Status, reply.Body)
		}
	}
	return nil
}

func (r *nodeRun) showWorkspaces(ctx context.Context) error {
	return showWorkspaces(ctx, r.cluster.Config(), os.Stdout)
}

// startTasks starts a pod in each workspace as Flyte does: under its account, without resources, which the tier's limits give.
func (r *nodeRun) startTasks(ctx context.Context) error {
	namespaces, err := r.client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: "platform.company.com/workspace"})
	if err != nil {
		return fmt.Errorf("listing the workspaces' namespaces: %w", err)
	}
	for i := range namespaces.Items {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "task"},
			Spec: corev1.PodSpec{
				ServiceAccountName: "flyte-workload", RestartPolicy: corev1.RestartPolicyNever,
				Containers: []corev1.Container{{Name: "task", Image: node.PauseImage, ImagePullPolicy: corev1.PullNever}},
			},
		}
		if _, err := r.client.CoreV1().Pods(namespaces.Items[i].Name).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("starting a pod in %s: %w", namespaces.Items[i].Name, err)
		}
	}
	return nil
}
