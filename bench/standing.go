package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"platform.company.com/workspace-flyte-integration/devcluster/service"
)

// Metrics of client-go, controller-runtime and the Go runtime.
const (
	requestsMetric  = "rest_client_requests_total"
	queueMetric     = "workqueue_depth"
	activeMetric    = "controller_runtime_active_workers"
	reconcileMetric = "controller_runtime_reconcile_total"
	heapMetric      = "go_memstats_heap_alloc_bytes"
	residentMetric  = "process_resident_memory_bytes"
	cpuMetric       = "process_cpu_seconds_total"
)

const (
	// probes is how many workspaces are timed at each size.
	probes = 20
	// flat is the goal for the growth of the next workspace, as a ratio to the floor's growth.
	flat = 1.2
	// The goals for the live heap and for the resident memory: with 5,000 workspaces 83 and 246 MiB.
	baseHeap, heapEach         = 20 << 20, 13 << 10
	baseResident, residentEach = 75 << 20, 35 << 10
	// startSeconds is the goal for a start.
	startSeconds = 30
	// quietQuotas is for how long no ResourceQuota must be written until the cluster counts as at rest.
	quietQuotas = 10 * time.Second
	// idleCPU is the goal for a service at rest, in cores.
	idleCPU = 0.01
)

// standing measures the service and the floor beside growing numbers of Ready workspaces.
func standing(ctx context.Context, e *environment, size sizes) (rows []row, err error) {
	var first, times nextTimes
	have := 0
	for _, n := range size.standing {
		if err := e.createWorkspaces(ctx, fmt.Sprintf("standing-%d", n), n-have); err != nil {
			return rows, err
		}
		have = n
		err := e.profiled(ctx, func() (err error) {
			times, err = e.timeNext(ctx, n)
			return err
		})
		if err != nil {
			return rows, err
		}
		if n == size.standing[0] {
			first = times
		}
		rows = append(rows, growthRow(n, size.standing[0], times, first))
		for _, measure := range []func(context.Context, *environment, int, sizes) ([]row, error){firstPages, atRest, memory, restart} {
			more, err := measure(ctx, e, n, size)
			if err != nil {
				return rows, err
			}
			rows = append(rows, more...)
		}
	}
	return withStreams(ctx, e, have, size, rows)
}

// nextTimes are the times of the next workspaces, by the service and by the bare client, in turn.
type nextTimes struct{ ready, whole []time.Duration }

func (e *environment) timeNext(ctx context.Context, n int) (times nextTimes, err error) {
	for i := range probes {
		bare, err := e.timeBarePaused(ctx, fmt.Sprintf("next-%d-%d-bare", n, i))
		if err != nil {
			return times, err
		}
		a, err := e.timeWorkspace(ctx, fmt.Sprintf("next-%d-%d", n, i))
		if err != nil {
			return times, err
		}
		times.ready, times.whole = append(times.ready, a.ready), append(times.whole, bare.whole)
	}
	return times, nil
}

// growthRow says by how much the next workspace takes longer beside n than beside few, for the service and for the floor.
func growthRow(n, few int, times, first nextTimes) row {
	growth := func(now, then []time.Duration) (float64, string) {
		a, b := quantile(now, median), quantile(then, median)
		return ratioOf(a, b), fmt.Sprintf("%.2f × (%s)", ratioOf(a, b), a.Round(100*time.Microsecond))
	}
	ours, oursText := growth(times.ready, first.ready)
	floor, floorText := growth(times.whole, first.whole)
	return row{
		what:    fmt.Sprintf("growth of the next Ready beside %d, compared with beside %d, median of %d", n, few, probes),
		service: oursText, floor: floorText, ratio: ratioOf(ours, floor), goal: goal{atMost: flat},
	}
}

// memory measures the resident memory, and the live heap after a garbage collection.
func memory(ctx context.Context, e *environment, n int, _ sizes) ([]row, error) {
	before, err := e.service.Measure(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.collectGarbage(ctx); err != nil {
		return nil, err
	}
	after, err := e.service.Measure(ctx)
	if err != nil {
		return nil, err
	}
	bounded := func(what string, used, base, each float64) row {
		allowed := base + each*float64(n)
		return row{
			what: fmt.Sprintf("%s with %d / %s + %.0f KiB each", what, n, mebibytes(base), each/(1<<10)), service: mebibytes(used),
			floor: mebibytes(allowed), ratio: used / allowed, goal: goal{atMost: 1},
		}
	}
	return []row{
		bounded("live heap", after.Sum(heapMetric), baseHeap, heapEach),
		bounded("resident memory", before.Sum(residentMetric), baseResident, residentEach),
	}, nil
}

// collectGarbage makes the service collect garbage.
func (e *environment) collectGarbage(ctx context.Context) error {
	if _, err := pprof(ctx, "heap?gc=1"); err != nil {
		return fmt.Errorf("requesting a garbage collection: %w", err)
	}
	return nil
}

// atRest measures the CPU time and the writes of an idle service, and compares its resident memory with that just after the burst.
func atRest(ctx context.Context, e *environment, n int, size sizes) ([]row, error) {
	busy, err := e.service.Measure(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.awaitQuotas(ctx); err != nil {
		return nil, err
	}
	before, err := e.service.Measure(ctx)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	select {
	case <-time.After(time.Duration(size.atRest) * time.Second): // the time of the measurement
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	after, err := e.service.Measure(ctx)
	if err != nil {
		return nil, err
	}
	cores := (after.Sum(cpuMetric) - before.Sum(cpuMetric)) / time.Since(start).Seconds()
	burst, rest := busy.Sum(residentMetric), after.Sum(residentMetric)
	return []row{
		{
			what:    fmt.Sprintf("CPU at rest with %d for %d s, %.0f writes / 1 %% of a core", n, size.atRest, writes(after)-writes(before)),
			service: fmt.Sprintf("%.2f %%", 100*cores), floor: fmt.Sprintf("%.0f %%", 100*idleCPU), ratio: cores / idleCPU, goal: goal{atMost: 1},
		},
		{
			what:    fmt.Sprintf("resident memory at rest with %d / just after their creation", n),
			service: mebibytes(rest), floor: mebibytes(burst), ratio: rest / burst,
		},
	}, nil
}

// awaitQuotas waits until kube-controller-manager has written no ResourceQuota for quietQuotas. It lags behind after thousands of new
// namespaces, and each of its writes is an event for the service, which is not at rest before.
func (e *environment) awaitQuotas(ctx context.Context) error {
	var before []string
	return wait.PollUntilContextTimeout(ctx, quietQuotas, timeout, true, func(ctx context.Context) (bool, error) {
		var quotas corev1.ResourceQuotaList
		if err := e.bare.List(ctx, &quotas); err != nil {
			return false, err
		}
		var versions []string
		for i := range quotas.Items {
			versions = append(versions, quotas.Items[i].ResourceVersion)
		}
		quiet := slices.Equal(before, versions)
		before = versions
		return quiet, nil
	})
}

// restart restarts the service, and measures the time until it has reconciled every workspace.
func restart(ctx context.Context, e *environment, n int, _ sizes) ([]row, error) {
	e.service.Stop()
	start := time.Now()
	if err := e.service.Start(ctx); err != nil {
		return nil, err
	}
	ready := time.Since(start)
	var m service.Measured
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, timeout, true, func(ctx context.Context) (bool, error) {
		var err error
		m, err = e.service.Measure(ctx)
		return err == nil && m.Sum(reconcileMetric) >= float64(n) && m.Sum(queueMetric)+m.Sum(activeMetric) == 0, err
	})
	if err != nil {
		return nil, fmt.Errorf("waiting until all are reconciled: %w", err)
	}
	verified := time.Since(start)
	return []row{{
		what:    fmt.Sprintf("start beside %d: ready after %v; verified, %.0f writes / 30 s", n, ready.Round(time.Millisecond), writes(m)),
		service: verified.Round(time.Millisecond).String(), floor: fmt.Sprintf("%d s", startSeconds),
		ratio: verified.Seconds() / startSeconds, goal: goal{atMost: 1},
	}}, nil
}

// writes counts the writing requests without renewals of the lease, which are the only updates.
func writes(m service.Measured) (n float64) {
	for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodDelete} {
		n += m.Sum(requestsMetric, "method", method)
	}
	return n
}

func mebibytes(n float64) string { return fmt.Sprintf("%.1f MiB", n/(1<<20)) }
