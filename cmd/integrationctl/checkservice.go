package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/workspace/signature"
)

const (
	webhookVolume   = "webhook"
	lookAtPods      = "look at its pods: `kubectl -n %s get pods`, `describe` and `logs` say why"
	installedElse   = "install the chart, or give its namespace and name with -n and --service"
	defaultLeaseTTL = 15 * time.Second
)

func (e *examination) key() client.ObjectKey {
	return client.ObjectKey{Namespace: e.installed.namespace, Name: e.installed.release}
}

func (e *examination) deployment(ctx context.Context) (*appsv1.Deployment, error) {
	var d appsv1.Deployment
	return &d, e.kube.Get(ctx, e.key(), &d)
}

func (e *examination) checkDeployment(ctx context.Context) []finding {
	const check = "service"
	d, err := e.deployment(ctx)
	switch {
	case apierrors.IsNotFound(err):
		return []finding{failed(check, "there is no Deployment "+e.key().String(), installedElse)}
	case err != nil:
		return []finding{unreadable(check, err)}
	}
	wanted, ready := ptr.Deref(d.Spec.Replicas, 1), d.Status.ReadyReplicas
	found := fmt.Sprintf("%d of %d replicas are ready", ready, wanted)
	remedy := fmt.Sprintf(lookAtPods, e.installed.namespace)
	switch {
	case ready == 0:
		return []finding{failed(check, found, remedy)}
	case ready < wanted:
		return []finding{warned(check, found, remedy)}
	case ready == 1:
		return []finding{warned(check, found, "set the chart's value replicas to 2 or more: webhooks wait while one replica restarts")}
	}
	return []finding{passed(check, "%s", found)}
}

// checkLeader judges the Lease: only the leader provisions.
func (e *examination) checkLeader(ctx context.Context) []finding {
	const check = "leader"
	var lease coordinationv1.Lease
	err := e.kube.Get(ctx, e.key(), &lease)
	switch {
	case apierrors.IsNotFound(err):
		return []finding{failed(check, "there is no Lease "+e.key().String()+": no replica has ever led", installedElse)}
	case err != nil:
		return []finding{unreadable(check, err)}
	}
	holder := ptr.Deref(lease.Spec.HolderIdentity, "")
	ttl := defaultLeaseTTL
	if seconds := lease.Spec.LeaseDurationSeconds; seconds != nil {
		ttl = time.Duration(*seconds) * time.Second
	}
	if renewed := lease.Spec.RenewTime; holder != "" && renewed != nil {
		if ago := time.Now().Add(e.clock.ahead).Sub(renewed.Time); ago <= ttl+maxAhead {
			return []finding{passed(check, "%s leads", holder)}
		}
	}
	return []finding{failed(check, "no replica leads: webhooks are stored, and nothing is provisioned",
		fmt.Sprintf(lookAtPods, e.installed.namespace))}
}

// checkSecret reads the webhook secret that the Deployment mounts, and shows its fingerprints.
func (e *examination) checkSecret(ctx context.Context) []finding {
	const check = "webhook secret"
	d, err := e.deployment(ctx)
	if err != nil {
		return nil // checkDeployment has said so
	}
	name, key := mountedSecret(d)
	if name == "" {
		return []finding{warned(check, "the Deployment mounts none; it may be in WORKSPACE_WEBHOOK_SECRET",
			"give it as a Secret, which is re-read when it changes: docs/chart.md")}
	}
	full := fmt.Sprintf("Secret %s/%s", e.installed.namespace, name)
	var secret corev1.Secret
	err = e.kube.Get(ctx, client.ObjectKey{Namespace: e.installed.namespace, Name: name}, &secret)
	switch {
	case apierrors.IsNotFound(err):
		return []finding{failed(check, full+" does not exist", fmt.Sprintf(
			"kubectl -n %s create secret generic %s --from-literal=%s=\"$(%s secret new)\"", e.installed.namespace, name, key, programName))}
	case err != nil:
		return []finding{unreadable(check, err)}
	}
	keys, err := signature.ParseKeys(string(secret.Data[key]))
	if err != nil {
		return []finding{failed(check, fmt.Sprintf("%s, key %s: %v", full, key, err), "docs/operations.md#rotate-the-webhook-secret")}
	}
	return []finding{passed(check, "%s has the keys with fingerprints %s", full, strings.Join(keys.Fingerprints(), ", "))}
}

func mountedSecret(d *appsv1.Deployment) (name, key string) {
	for _, v := range d.Spec.Template.Spec.Volumes {
		if v.Name == webhookVolume && v.Secret != nil && len(v.Secret.Items) == 1 {
			return v.Secret.SecretName, v.Secret.Items[0].Key
		}
	}
	return "", ""
}
