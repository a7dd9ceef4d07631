package web

import (
	"context"

	"k8s.io/apimachinery/pkg/api/resource"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// sharedQuota is what the namespaces of a workspace have and use together.
type sharedQuota struct {
	Hard map[string]string `json:"hard"`
	Used map[string]string `json:"used"`
}

// sharedQuota adds up the quotas of a workspace's namespaces, if these share one. It is nil if the amounts of one are not known.
func (a *ReadAPI) sharedQuota(ctx context.Context, w *v1alpha1.Workspace, quotas []namespaceQuota) *sharedQuota {
	var tier v1alpha1.WorkspaceTier
	if a.getCached(ctx, "tier", w.Status.Tier, &tier) != nil || !workspace.SharesQuota(&tier) || len(quotas) == 0 {
		return nil
	}
	shared := &sharedQuota{Hard: map[string]string{}, Used: map[string]string{}}
	for key := range quotas[0].Hard {
		hard, used := resource.Quantity{}, resource.Quantity{}
		for _, quota := range quotas {
			amount, limited := quota.Hard[key]
			if !limited {
				return nil
			}
			hard.Add(parsed(amount))
			used.Add(parsed(quota.Used[key]))
		}
		shared.Hard[key], shared.Used[key] = hard.String(), used.String()
	}
	return shared
}

// parsed is an amount that the API server has written; zero if it is absent.
func parsed(amount string) resource.Quantity {
	q, err := resource.ParseQuantity(amount)
	if err != nil {
		return resource.Quantity{}
	}
	return q
}
