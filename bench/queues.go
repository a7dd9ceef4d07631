package main

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/kueue"
)

// queuedTier is the default tier with a queue.
const queuedTier = "queued"

// queues creates workspaces with a queue of their own between two halves of as many without, and then one at a time, in turns. Those
// without are the floor.
func queues(ctx context.Context, e *environment, size sizes) (rows []row, err error) {
	if err := e.createQueuedTier(ctx); err != nil {
		return nil, err
	}
	half := size.queued / 2
	before, err := e.crowdOn(ctx, "", "plain-before", half)
	if err != nil {
		return nil, err
	}
	var with crowdCost
	err = e.profiled(ctx, func() (err error) {
		with, err = e.crowdOn(ctx, queuedTier, "queued", size.queued)
		return err
	})
	if err != nil {
		return nil, err
	}
	after, err := e.crowdOn(ctx, "", "plain-after", half)
	if err != nil {
		return nil, err
	}
	rows = crowdRows(size.queued, with, 2*half, crowdCost{before.took + after.took, before.requests + after.requests})
	more, err := e.nextWithQueue(ctx)
	return append(rows, more...), err
}

func crowdRows(n int, with crowdCost, nPlain int, plain crowdCost) []row {
	perSecond, perSecondPlain := float64(n)/with.took.Seconds(), float64(nPlain)/plain.took.Seconds()
	requests, requestsPlain := with.requests/float64(n), plain.requests/float64(nPlain)
	return []row{
		{
			what:    fmt.Sprintf("%d workspaces at once with a queue / without", n),
			service: fmt.Sprintf("%.1f/s", perSecond), floor: fmt.Sprintf("%.1f/s", perSecondPlain), ratio: ratioOf(perSecond, perSecondPlain),
		},
		{
			what:    "API requests of each of them",
			service: fmt.Sprintf("%.1f", requests), floor: fmt.Sprintf("%.1f", requestsPlain), ratio: ratioOf(requests, requestsPlain),
		},
	}
}

// crowdCost is the time of many workspaces together, and the service's requests for them.
type crowdCost struct {
	took     time.Duration
	requests float64
}

func (e *environment) crowdOn(ctx context.Context, tier, prefix string, n int) (c crowdCost, err error) {
	e.onTier = tier
	before, err := e.service.Measure(ctx)
	if err != nil {
		return c, err
	}
	start := time.Now()
	if err := e.createWorkspaces(ctx, prefix, n); err != nil {
		return c, err
	}
	c.took = time.Since(start)
	if err := e.waitUntilIdle(ctx); err != nil {
		return c, err
	}
	after, err := e.service.Measure(ctx)
	c.requests = ownRequests(after) - ownRequests(before)
	return c, err
}

// nextWithQueue times single workspaces with and without a queue, in turns.
func (e *environment) nextWithQueue(ctx context.Context) ([]row, error) {
	times := map[string][]time.Duration{}
	for i := range probes {
		for id, tier := range map[string]string{"plain": "", "with": queuedTier} {
			e.onTier = tier
			a, err := e.timeWorkspace(ctx, fmt.Sprintf("next-%d-%s", i, id))
			if err != nil {
				return nil, err
			}
			times[tier] = append(times[tier], a.ready)
			if err := e.waitUntilIdle(ctx); err != nil {
				return nil, err
			}
		}
	}
	what := "webhook sent → Ready beside them, with a queue / without"
	return []row{
		timeRow(what, median, times[queuedTier], times[""], goal{}),
		timeRow(what, p99, times[queuedTier], times[""], goal{}),
	}, nil
}

// createQueuedTier also creates the flavor that a queue has by default.
func (e *environment) createQueuedTier(ctx context.Context) error {
	flavor := &unstructured.Unstructured{}
	flavor.SetAPIVersion("kueue.x-k8s.io/v1beta2")
	flavor.SetKind("ResourceFlavor")
	flavor.SetName("default-flavor")
	if err := e.bare.Create(ctx, flavor); err != nil {
		return fmt.Errorf("creating a ResourceFlavor: %w", err)
	}
	tier := &v1alpha1.WorkspaceTier{ObjectMeta: metav1.ObjectMeta{Name: queuedTier}, Spec: *e.tier.Spec.DeepCopy()}
	tier.Spec.LimitRange.MaxLimitRequestRatio = v1alpha1.ComputeResources{CPU: "4", Memory: "4"}
	tier.Spec.Queue = &v1alpha1.TierQueue{Mode: v1alpha1.QueueOwn}
	if err := e.bare.Create(ctx, tier); err != nil {
		return fmt.Errorf("creating a tier: %w", err)
	}
	return nil
}

// startKueue runs Kueue beside the service until the environment stops.
func (e *environment) startKueue(ctx context.Context, dir string) error {
	k, err := kueue.Install(ctx, e.cluster.Config(), dir)
	if err != nil {
		return err
	}
	e.stops = append(e.stops, k.Stop)
	return k.Start(ctx)
}
