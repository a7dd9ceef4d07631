package devcluster

import (
	"context"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// TestNodes_SimulatePods: a Deployment is rolled out over the nodes, a Job completes, and a pod whose image is missing waits for it.
func TestNodes_SimulatePods(t *testing.T) {
	c, err := Start(t.Context(), Options{Progress: t.Output(), Nodes: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	client, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	pod := corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "registry.invalid/c"}}}
	labels := map[string]string{"app": "x"}
	two := int32(2)
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "x"}, Spec: appsv1.DeploymentSpec{
		Replicas: &two, Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod},
	}}
	if _, err := client.AppsV1().Deployments("default").Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pod.RestartPolicy = corev1.RestartPolicyNever
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "x"}, Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: pod}}}
	if _, err := client.BatchV1().Jobs("default").Create(t.Context(), job, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	missing := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "x"}, Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Name: "c", Image: "registry.invalid/c:missing"}},
	}}
	if _, err := client.CoreV1().Pods("default").Create(t.Context(), missing, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	err = wait.PollUntilContextTimeout(t.Context(), pollInterval, startTimeout, true, func(ctx context.Context) (bool, error) {
		d, err := client.AppsV1().Deployments("default").Get(ctx, "x", metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		j, err := client.BatchV1().Jobs("default").Get(ctx, "x", metav1.GetOptions{})
		if err != nil || d.Status.ReadyReplicas != two || j.Status.Succeeded != 1 {
			return false, err
		}
		p, err := client.CoreV1().Pods("default").Get(ctx, "x", metav1.GetOptions{})
		return err == nil && waitsForImage(p), err
	})
	if err != nil {
		t.Errorf("waiting for the Deployment, the Job and the pod: %v", err)
	}
}

func waitsForImage(p *corev1.Pod) bool {
	return len(p.Status.ContainerStatuses) == 1 && p.Status.ContainerStatuses[0].State.Waiting != nil &&
		p.Status.ContainerStatuses[0].State.Waiting.Reason == "ImagePullBackOff" && p.Status.Phase == corev1.PodPending
}
