package web

import (
	"context"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// maxQuotas bounds how many ResourceQuotas of a namespace are read: other programs may create some beside ours.
const maxQuotas = 100

// quotaName is the ResourceQuota of each namespace of a workspace.
const quotaName = "workspace-quota"

// namespaceQuota is the quota of one namespace. Hard and Used are absent if it does not exist, or while the API server can't answer.
type namespaceQuota struct {
	Namespace string            `json:"namespace"`
	Domain    string            `json:"domain,omitempty"`
	Hard      map[string]string `json:"hard,omitempty"`
	Used      map[string]string `json:"used,omitempty"`
	// PriorityClasses are what the pods of some priority classes may use of it, by class.
	PriorityClasses map[string]classQuota `json:"priority_classes,omitempty"`
}

// classQuota is the quota of a priority class in one namespace.
type classQuota struct {
	Hard map[string]string `json:"hard"`
	Used map[string]string `json:"used"`
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
	var all corev1.ResourceQuotaList
	if err := a.Live.List(ctx, &all, client.InNamespace(into.Namespace), client.Limit(maxQuotas)); err != nil {
		return err
	}
	for i := range all.Items {
		quota := &all.Items[i]
		hard, used := amounts(quota.Status.Hard), amounts(quota.Status.Used)
		class, isOfClass := strings.CutPrefix(quota.Name, v1alpha1.PriorityQuotaPrefix)
		switch {
		case quota.Name == quotaName:
			into.Hard, into.Used = hard, used
		case isOfClass:
			if into.PriorityClasses == nil {
				into.PriorityClasses = map[string]classQuota{}
			}
			into.PriorityClasses[class] = classQuota{hard, used}
		}
	}
	return nil
}

func amounts(list corev1.ResourceList) map[string]string {
	texts := make(map[string]string, len(list))
	for name, amount := range list {
		texts[string(name)] = amount.String()
	}
	return texts
}
