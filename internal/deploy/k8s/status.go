package k8s

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"helm.sh/helm/v4/pkg/release/common"
	release "helm.sh/helm/v4/pkg/release/v1"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
	"platform.company.com/workspace-flyte-integration/internal/rollout"
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
	s.Replicas = deploy.Replicas{Desired: rollout.StateOf(d).Total, Updated: int(d.Status.UpdatedReplicas), Ready: int(d.Status.ReadyReplicas)}
	if d.Annotations[annotationStopped] != "" {
		s.State += ", stopped"
	}
	if s.Autoscaler, err = t.autoscaler(ctx, name); err != nil {
		return fmt.Errorf("reading the autoscaler: %w", err)
	}
	return t.addPods(ctx, s, d)
}

func (t *Target) addPods(ctx context.Context, s *deploy.Status, d *appsv1.Deployment) error {
	pods, err := rollout.Pods(ctx, t.clientset.CoreV1().RESTClient(), d)
	if err != nil {
		return err
	}
	s.Digests = rollout.Digests(pods)
	for i := range pods {
		pod := &pods[i]
		s.Instances = append(s.Instances, deploy.Instance{
			Name: pod.Name, State: pod.State, Ready: pod.Ready, Restarts: pod.Restarts, Started: pod.Started,
			Node: pod.Node, Address: pod.Address, Image: pod.Image,
		})
	}
	return nil
}
