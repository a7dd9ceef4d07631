package rollout

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// Pod is one replica.
type Pod struct {
	Name string
	// State, Ready and Restarts are the columns that kubectl shows, such as CrashLoopBackOff, "0/1" and "3 (2m ago)".
	State, Ready, Restarts string
	// Started is nil before a node has accepted the pod.
	Started       *time.Time
	Node, Address string
	// Image is that of the first container, and Digests are those of all images that run.
	Image   string
	Digests []string
}

// asTable asks the API server for the columns that it shows to kubectl: it knows best what the state of a pod is called.
const asTable = "application/json;as=Table;v=v1;g=meta.k8s.io"

// Pods lists the pods of a Deployment, by name. core is a client for the API group of pods.
func Pods(ctx context.Context, core rest.Interface, d *appsv1.Deployment) ([]Pod, error) {
	text, err := core.Get().Namespace(d.Namespace).Resource("pods").SetHeader("Accept", asTable).
		Param("labelSelector", metav1.FormatLabelSelector(d.Spec.Selector)).Param("includeObject", "Object").Do(ctx).Raw()
	if err != nil {
		return nil, fmt.Errorf("listing the pods of Deployment %q: %w", d.Name, err)
	}
	table := &metav1.Table{}
	if err := json.Unmarshal(text, table); err != nil {
		return nil, fmt.Errorf("listing the pods of Deployment %q: %w", d.Name, err)
	}
	pods := []Pod{}
	for i := range table.Rows {
		pod := &corev1.Pod{}
		if err := json.Unmarshal(table.Rows[i].Object.Raw, pod); err != nil {
			return nil, fmt.Errorf("listing the pods of Deployment %q: %w", d.Name, err)
		}
		pods = append(pods, newPod(cellsOf(table, i), pod))
	}
	slices.SortFunc(pods, func(a, b Pod) int { return cmp.Compare(a.Name, b.Name) })
	return pods, nil
}

// cellsOf returns the cells of a row by the names of their columns.
func cellsOf(table *metav1.Table, row int) map[string]string {
	cells := map[string]string{}
	for i, column := range table.ColumnDefinitions {
		cells[column.Name] = fmt.Sprint(table.Rows[row].Cells[i])
	}
	return cells
}

func newPod(cells map[string]string, pod *corev1.Pod) Pod {
	found := Pod{
		Name: pod.Name, State: cells["Status"], Ready: cells["Ready"], Restarts: cells["Restarts"],
		Node: pod.Spec.NodeName, Address: pod.Status.PodIP, Image: pod.Spec.Containers[0].Image,
	}
	if pod.Status.StartTime != nil {
		found.Started = &pod.Status.StartTime.Time
	}
	for _, c := range pod.Status.ContainerStatuses {
		if _, digest, ok := strings.Cut(c.ImageID, "@"); ok {
			found.Digests = append(found.Digests, digest)
		}
	}
	return found
}

// Digests are the digests of the images that run in any of the pods.
func Digests(pods []Pod) (digests []string) {
	for i := range pods {
		digests = append(digests, pods[i].Digests...)
	}
	slices.Sort(digests)
	return slices.Compact(digests)
}
