package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"

	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

const (
	releaseName = "workspace-flyte-integration"
	// Where the chart expects FlyteAdmin.
	flyteNamespace = "flyte-system"
	flyteName      = "flyte-admin"
	flytePort      = 8089
)

// createFlyte starts the double of FlyteAdmin in a pod where the chart expects Flyte.
func (r *nodeRun) createFlyte(ctx context.Context) error {
	progress("starting the Flyte double in a pod")
	meta := metav1.ObjectMeta{Name: flyteName, Namespace: flyteNamespace, Labels: map[string]string{"app": flyteName}}
	pod := &corev1.Pod{ObjectMeta: meta, Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name: flyteName, Image: flyteImage, ImagePullPolicy: corev1.PullNever, Args: []string{"flyte", "--listen", fmt.Sprintf(":%d", flytePort)},
	}}}}
	svc := &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{
		Selector: meta.Labels, Ports: []corev1.ServicePort{{Name: "grpc", Port: 81, TargetPort: intstr.FromInt32(flytePort)}},
	}}
	core, create := r.client.CoreV1(), metav1.CreateOptions{}
	home := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: flyteNamespace}}
	if _, err := core.Namespaces().Create(ctx, home, create); err != nil {
		return fmt.Errorf("creating the namespace %s: %w", flyteNamespace, err)
	}
	if _, err := core.Services(flyteNamespace).Create(ctx, svc, create); err != nil {
		return fmt.Errorf("creating the Service of the Flyte double: %w", err)
	}
	if _, err := core.Pods(flyteNamespace).Create(ctx, pod, create); err != nil {
		return fmt.Errorf("creating the pod of the Flyte double: %w", err)
	}
	return nil
}

// installChart installs the chart with its Deployment, and waits until all replicas are ready.
func (r *nodeRun) installChart(ctx context.Context) error {
	progress("installing the chart, with three pods")
	objects, err := deploy.Render(deploy.Options{Release: releaseName, Namespace: service.Namespace, Values: map[string]any{
		"flyte":       map[string]any{"consoleURL": "https://flyte.company.com"},
		"webhook":     map[string]any{"secret": r.service.Secret},
		"image":       map[string]any{"repository": serviceRepository, "tag": serviceTag, "pullPolicy": "IfNotPresent"},
		"autoscaling": map[string]any{"enabled": false},
	}})
	if err != nil {
		return err
	}
	if err := deploy.Apply(ctx, r.cluster.Config(), objects); err != nil {
		return err
	}
	return r.await(ctx, "the service's pods to be ready", func(ctx context.Context) bool {
		d, err := r.client.AppsV1().Deployments(service.Namespace).Get(ctx, releaseName, metav1.GetOptions{})
		return err == nil && isRolledOut(d)
	})
}

func isRolledOut(d *appsv1.Deployment) bool {
	return d.Spec.Replicas != nil && d.Status.ReadyReplicas == *d.Spec.Replicas && d.Status.ObservedGeneration == d.Generation
}

func (r *nodeRun) await(ctx context.Context, what string, condition func(context.Context) bool) error {
	err := wait.PollUntilContextTimeout(ctx, showInterval, showTimeout, true, func(ctx context.Context) (bool, error) {
		return condition(ctx), nil
	})
	if err != nil {
		return fmt.Errorf("waiting for %s: %w", what, err)
	}
	return nil
}

// showPods prints all pods when those of the workspaces run.
func (r *nodeRun) showPods(ctx context.Context) error {
	var pods *corev1.PodList
	waited := r.await(ctx, "the workspaces' pods to run", func(ctx context.Context) bool {
		found, err := r.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
		if err != nil {
			return false
		}
		pods = found
		for i := range found.Items {
			if found.Items[i].Status.Phase != corev1.PodRunning {
				return false
			}
		}
		return true
	})
	if pods == nil {
		return waited
	}
	fmt.Println()
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "NAMESPACE\tPOD\tSTATUS\tADDRESS")
	for i := range pods.Items {
		p := &pods.Items[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", p.Namespace, p.Name, p.Status.Phase, p.Status.PodIP)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return waited
}

// serve says how to use the cluster, and returns when ctx ends or a component has exited.
func (r *nodeRun) serve(ctx context.Context) error {
	fmt.Printf(`
Serving until Ctrl-C:

  webhooks, API, page      %s, by the Service
  Kubernetes API           %s
  logs of the node         %s

In another terminal, in this directory:

  . %s/%s
  kubectl get pods --all-namespaces
  kubectl logs --namespace %s deployment/%s
  bin/integrationctl send --id ws-001 --version 1 --name "My workspace"

See all workspaces, live: %[1]s, with the token that the last of these prints:

  kubectl create serviceaccount reader
  kubectl create clusterrole reader --verb=get,list,watch --resource=workspaces,workspacetiers
  kubectl create clusterrolebinding reader --clusterrole=reader --serviceaccount=default:reader
  kubectl create token reader
`, r.service.URL, r.cluster.Config().Host, r.cluster.Logs(), runDir, envFile, service.Namespace, releaseName)
	return r.cluster.Wait(ctx)
}
