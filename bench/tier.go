package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
)

// The storage quota that the tier and the floor set.
const (
	tierStorage  = "7Ti"
	floorStorage = "6Ti"
)

// tierChange changes the tier of many workspaces, and measures the time until a watch shows the last changed quota. The floor patches
// each ResourceQuota once.
func tierChange(ctx context.Context, e *environment, size sizes) ([]row, error) {
	if err := e.createWorkspaces(ctx, "tier", size.followers); err != nil {
		return nil, err
	}
	namespaces := e.namespacesOf("tier", size.followers)
	before, err := e.service.Measure(ctx)
	if err != nil {
		return nil, err
	}
	var took time.Duration
	err = e.profiled(ctx, func() (err error) {
		took, err = e.untilStorage(ctx, tierStorage, namespaces, func() error { return e.patchTier(ctx, tierStorage) })
		return err
	})
	if err != nil {
		return nil, err
	}
	after, err := e.service.Measure(ctx)
	if err != nil {
		return nil, err
	}
	e.service.Stop()
	floor, err := e.untilStorage(ctx, floorStorage, namespaces, func() error {
		return forEach(len(namespaces), atOnce, func(i int) error { return e.patchQuota(ctx, namespaces[i]) })
	})
	if err != nil {
		return nil, err
	}
	requests := (ownRequests(after) - ownRequests(before)) / float64(size.followers)
	return []row{
		{fmt.Sprintf("a tier changed → all %d workspaces follow", size.followers), took.String(), floor.String(), ratioOf(took, floor), goal{}},
		{what: "API requests of each for it", service: fmt.Sprintf("%.2f", requests), floor: "1", ratio: requests},
	}, e.service.Start(ctx)
}

// ownRequests counts all requests but renewals of the lease, which are updates.
func ownRequests(m service.Measured) float64 {
	return m.Sum(requestsMetric) - m.Sum(requestsMetric, "method", http.MethodPut)
}

// untilStorage makes the change and measures the time until every quota has this storage.
func (e *environment) untilStorage(ctx context.Context, storage string, namespaces []string, change func() error) (time.Duration, error) {
	watch, err := e.watchFor(ctx, &corev1.ResourceQuotaList{}, func(o client.Object) (string, bool) {
		quota, ok := o.(*corev1.ResourceQuota)
		if !ok {
			return "", false
		}
		allowed := quota.Spec.Hard[corev1.ResourceRequestsStorage]
		return quota.Namespace, allowed.String() == storage
	})
	if err != nil {
		return 0, err
	}
	defer watch.stop()
	start := time.Now()
	done := make(chan error, 1)
	go func() { done <- change() }()
	_, watched := watch.until(ctx, namespaces...)
	took := time.Since(start).Round(time.Millisecond)
	if err := <-done; err != nil {
		return 0, err
	}
	return took, watched
}

func (e *environment) patchTier(ctx context.Context, storage string) error {
	tier := &v1alpha1.WorkspaceTier{}
	tier.Name = v1alpha1.DefaultTier
	patch := fmt.Sprintf(`{"spec":{"quota":{"default":{"storage":%q},"maximum":{"storage":%q}}}}`, storage, storage)
	if err := e.bare.Patch(ctx, tier, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		return fmt.Errorf("changing the tier: %w", err)
	}
	return nil
}

func (e *environment) patchQuota(ctx context.Context, namespace string) error {
	quota := &corev1.ResourceQuota{}
	quota.Namespace, quota.Name = namespace, "workspace-quota"
	patch := fmt.Sprintf(`{"spec":{"hard":{"requests.storage":%q}}}`, floorStorage)
	if err := e.bare.Patch(ctx, quota, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		return fmt.Errorf("changing the quota in %q: %w", namespace, err)
	}
	return nil
}
