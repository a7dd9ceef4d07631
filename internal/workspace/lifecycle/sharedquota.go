package lifecycle

import (
	"cmp"
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
)

// sharesQuota reports whether a change of one namespace's quota may have to wait for another's: they share one, and there may be
// ResourceQuotas from before this Reconcile.
func (t *target) sharesQuota() bool {
	return t.tier != nil && workspace.SharesQuota(t.tier) && len(t.ready) > 1 && len(t.existing) > 0
}

// lowerQuotas lowers what the namespaces of a workspace have above their share, so that their quotas never exceed the workspace's when
// others are raised then. At rest it sends no request: amounts are read only if a ResourceQuota is not as desired.
func (c *Controller) lowerQuotas(ctx context.Context, parts []desired.Part) error {
	for _, wanted := range quotasByName(parts) {
		if c.Applier.AreDesired(ctx, objects(wanted)) {
			continue
		}
		live, err := c.readQuotas(ctx, wanted)
		if err != nil {
			return err
		}
		if step := desired.LowerFirst(live, wanted); step != nil {
			if err := c.apply(ctx, objects(step)); err != nil {
				return err
			}
		}
	}
	return nil
}

// quotasByName are the ResourceQuotas of all parts, by their name in each namespace.
func quotasByName(parts []desired.Part) map[string][]*corev1.ResourceQuota {
	all := map[string][]*corev1.ResourceQuota{}
	for _, part := range parts {
		for _, o := range part.Objects {
			if quota, ok := o.(*corev1.ResourceQuota); ok {
				all[quota.Name] = append(all[quota.Name], quota)
			}
		}
	}
	return all
}

// readQuotas reads ResourceQuotas from the API server: the cache has no amounts. One that does not exist is nil.
func (c *Controller) readQuotas(ctx context.Context, wanted []*corev1.ResourceQuota) ([]*corev1.ResourceQuota, error) {
	live := make([]*corev1.ResourceQuota, len(wanted))
	errs := inEach(indexes(wanted), func(i int) error {
		quota, key := &corev1.ResourceQuota{}, client.ObjectKeyFromObject(wanted[i])
		switch err := c.Applier.Live.Get(ctx, key, quota); {
		case apierrors.IsNotFound(err):
			return nil
		case err != nil:
			return fmt.Errorf("reading ResourceQuota %q: %w", key, err)
		}
		live[i] = quota
		return nil
	})
	return live, cmp.Or(errs...)
}

func indexes[T any](items []T) []int {
	all := make([]int, len(items))
	for i := range items {
		all[i] = i
	}
	return all
}

func objects(quotas []*corev1.ResourceQuota) []client.Object {
	all := make([]client.Object, len(quotas))
	for i, quota := range quotas {
		all[i] = quota
	}
	return all
}
