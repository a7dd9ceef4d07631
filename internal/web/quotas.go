package web

import (
	"context"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// quotaName is the ResourceQuota of each namespace of a workspace.
const quotaName = "workspace-quota"

// namespaceQuota is the quota of one namespace. Hard and Used are absent if it does not exist, or while the API server can't answer.
type namespaceQuota struct {
	Namespace string            `json:"namespace"`
	Domain    string            `json:"domain,omitempty"`
	Hard      map[string]string `json:"hard,omitempty"`
	Used      map[string]string `json:"used,omitempty"`
}

// quotas reads the quota of each existing namespace of a workspace from the API server: the cache has no usage.
func (a *ReadAPI) quotas(ctx context.Context, w *v1alpha1.Workspace) []namespaceQuota {
	domains := map[string]string{}
	for _, namespace := range a.Naming.Namespaces(w.Name) {
		domains[namespace.Name] = namespace.Domain
	}
	quotas := make([]namespaceQuota, len(w.Status.Namespaces))
	var reads errgroup.Group
	for i, name := range w.Status.Namespaces {
		quotas[i] = namespaceQuota{Namespace: name, Domain: domains[name]}
		reads.Go(func() error {
			return a.readLive(ctx, func(ctx context.Context) error { return a.readQuota(ctx, &quotas[i]) })
		})
	}
	_ = reads.Wait() // a quota that could not be read has no amounts
	return quotas
}

func (a *ReadAPI) readQuota(ctx context.Context, into *namespaceQuota) error {
	var quota corev1.ResourceQuota
	if err := a.Live.Get(ctx, client.ObjectKey{Namespace: into.Namespace, Name: quotaName}, &quota); err != nil {
		return err
	}
	into.Hard, into.Used = amounts(quota.Status.Hard), amounts(quota.Status.Used)
	return nil
}

func amounts(list corev1.ResourceList) map[string]string {
	texts := make(map[string]string, len(list))
	for name, amount := range list {
		texts[string(name)] = amount.String()
	}
	return texts
}
