package k8s

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/release/common"
	release "helm.sh/helm/v4/pkg/release/v1"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// Status implements [deploy.Target].
func (t *Target) Status(ctx context.Context) (*deploy.Status, error) {
	version, err := t.clientset.Discovery().ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("reading the version of the cluster: %w", err)
	}
	s := &deploy.Status{
		Target: cmp.Or(t.o.Name, "k8s"), Runtime: "Kubernetes " + version.GitVersion, Release: t.o.Release, State: "not installed",
		Location: strings.TrimPrefix(t.o.Context+"/"+t.o.Namespace, "/"), Instances: []deploy.Instance{},
	}
	r, err := t.last()
	if err != nil || r == nil {
		return s, err
	}
	s.Revision, s.State, s.Version = r.Version, string(r.Info.Status), r.Chart.AppVersion()
	s.Image, s.LastRollOut, s.Description = imageOf(r), &r.Info.LastDeployed, r.Info.Description
	s.LockedBy = t.lockedBy(ctx)
	if r.Info.Status == common.StatusUninstalled {
		return s, nil
	}
	return s, t.addReplicas(ctx, s, r)
}

func (t *Target) lockedBy(ctx context.Context) string {
	lease := &coordinationv1.Lease{}
	if err := t.client.Get(ctx, t.lockKey(), lease); err != nil {
		return ""
	}
	return heldBy(lease)
}

func (t *Target) addReplicas(ctx context.Context, s *deploy.Status, r *release.Release) error {
	name, err := deploymentOf(r)
	if err != nil || name == "" {
		return err
	}
	d := &appsv1.Deployment{}
	if err := t.client.Get(ctx, client.ObjectKey{Namespace: t.o.Namespace, Name: name}, d); err != nil {
		return client.IgnoreNotFound(err)
	}
	s.Replicas = deploy.Replicas{Desired: stateOf(d).total, Updated: int(d.Status.UpdatedReplicas), Ready: int(d.Status.ReadyReplicas)}
	if d.Annotations[annotationStopped] != "" {
		s.State += ", stopped"
	}
	if s.Autoscaler, err = t.autoscaler(ctx, name); err != nil {
		return fmt.Errorf("reading the autoscaler: %w", err)
	}
	return t.addPods(ctx, s, d)
}

// addPods adds the pods with the columns that the API server shows to kubectl: it knows best what a pod's state is called.
func (t *Target) addPods(ctx context.Context, s *deploy.Status, d *appsv1.Deployment) error {
	selector := metav1.FormatLabelSelector(d.Spec.Selector)
	text, err := t.clientset.CoreV1().RESTClient().Get().Namespace(t.o.Namespace).Resource("pods").
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").
		Param("labelSelector", selector).Param("includeObject", "Object").Do(ctx).Raw()
	if err != nil {
		return fmt.Errorf("listing pods: %w", err)
	}
	table := &metav1.Table{}
	if err := json.Unmarshal(text, table); err != nil {
		return fmt.Errorf("listing pods: %w", err)
	}
	for i := range table.Rows {
		pod := &corev1.Pod{}
		if err := json.Unmarshal(table.Rows[i].Object.Raw, pod); err != nil {
			return fmt.Errorf("listing pods: %w", err)
		}
		s.Instances = append(s.Instances, instance(table, i, pod))
		for _, c := range pod.Status.ContainerStatuses {
			if _, digest, ok := strings.Cut(c.ImageID, "@"); ok && !slices.Contains(s.Digests, digest) {
				s.Digests = append(s.Digests, digest)
			}
		}
	}
	slices.SortFunc(s.Instances, func(a, b deploy.Instance) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

func instance(table *metav1.Table, row int, pod *corev1.Pod) deploy.Instance {
	cells := map[string]string{}
	for i, column := range table.ColumnDefinitions {
		cells[column.Name] = fmt.Sprint(table.Rows[row].Cells[i])
	}
	one := deploy.Instance{
		Name: pod.Name, State: cells["Status"], Ready: cells["Ready"], Restarts: cells["Restarts"],
		Node: pod.Spec.NodeName, Address: pod.Status.PodIP, Image: pod.Spec.Containers[0].Image,
	}
	if pod.Status.StartTime != nil {
		one.Started = &pod.Status.StartTime.Time
	}
	return one
}
