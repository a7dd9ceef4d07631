package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

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
	// flat is the goal for the ratio of the next workspace beside many to beside few.
	flat = 1.5
	// baseHeap and heapEach are the goal for the live heap.
	baseHeap, heapEach = 20 << 20, 20 << 10
	// startSeconds is the goal for a start.
	startSeconds = 30
	// idleCPU is the goal for a service at rest, in cores.
	idleCPU = 0.01
)

// standing measures the service beside growing numbers of Ready workspaces.
func standing(ctx context.Context, w *world, size sizes) (rows []row, err error) {
	var first []time.Duration
	have := 0
	for _, n := range size.standing {
		if err := w.createWorkspaces(ctx, fmt.Sprintf("standing-%d", n), n-have); err != nil {
			return rows, err
		}
		have = n
		var times []time.Duration
		err := w.profiled(ctx, func() (err error) {
			times, err = w.timeNext(ctx, n)
			return err
		})
		if err != nil {
			return rows, err
		}
		if first == nil {
			first = times
		}
		what := fmt.Sprintf("the next Ready beside %d, and beside %d", n, size.standing[0])
		rows = append(rows, timeRow(what, median, times, first, goal{atMost: flat}))
		for _, measure := range []func(context.Context, *world, int, sizes) (row, error){heap, atRest, restart} {
			r, err := measure(ctx, w, n, size)
			if err != nil {
				return rows, err
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

func (w *world) timeNext(ctx context.Context, n int) (times []time.Duration, err error) {
	for i := range probes {
		a, err := w.timeWorkspace(ctx, fmt.Sprintf("next-%d-%d", n, i))
		if err != nil {
			return nil, err
		}
		times = append(times, a.ready)
	}
	return times, nil
}

// heap measures the live heap after a garbage collection.
func heap(ctx context.Context, w *world, n int, _ sizes) (row, error) {
	if err := w.collectGarbage(ctx); err != nil {
		return row{}, err
	}
	m, err := w.service.Measure(ctx)
	if err != nil {
		return row{}, err
	}
	live, allowed := m.Sum(heapMetric), float64(baseHeap+heapEach*n)
	return row{
		what: fmt.Sprintf("live heap with %d, RSS %.0f MiB / 20 MiB + 20 KiB each", n, m.Sum(residentMetric)/(1<<20)), service: mebibytes(live),
		floor: mebibytes(allowed), ratio: live / allowed, goal: goal{atMost: 1},
	}, nil
}

// collectGarbage makes the service collect garbage.
func (w *world) collectGarbage(ctx context.Context) error {
	if _, err := pprof(ctx, "heap?gc=1"); err != nil {
		return fmt.Errorf("requesting a garbage collection: %w", err)
	}
	return nil
}

// atRest measures the CPU time and the writes of an idle service.
func atRest(ctx context.Context, w *world, n int, size sizes) (row, error) {
	before, err := w.service.Measure(ctx)
	if err != nil {
		return row{}, err
	}
	start := time.Now()
	select {
	case <-time.After(time.Duration(size.atRest) * time.Second): // the time of the measurement
	case <-ctx.Done():
		return row{}, ctx.Err()
	}
	after, err := w.service.Measure(ctx)
	if err != nil {
		return row{}, err
	}
	cores := (after.Sum(cpuMetric) - before.Sum(cpuMetric)) / time.Since(start).Seconds()
	return row{
		what:    fmt.Sprintf("CPU at rest with %d for %d s, %.0f writes / 1 %% of a core", n, size.atRest, writes(after)-writes(before)),
		service: fmt.Sprintf("%.2f %%", 100*cores), floor: fmt.Sprintf("%.0f %%", 100*idleCPU), ratio: cores / idleCPU, goal: goal{atMost: 1},
	}, nil
}

// restart restarts the service, and measures the time until it has reconciled every workspace.
func restart(ctx context.Context, w *world, n int, _ sizes) (row, error) {
	w.service.Stop()
	start := time.Now()
	if err := w.service.Start(ctx); err != nil {
		return row{}, err
	}
	ready := time.Since(start)
	var m service.Measured
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, timeout, true, func(ctx context.Context) (bool, error) {
		var err error
		m, err = w.service.Measure(ctx)
		return err == nil && m.Sum(reconcileMetric) >= float64(n) && m.Sum(queueMetric)+m.Sum(activeMetric) == 0, err
	})
	if err != nil {
		return row{}, fmt.Errorf("waiting until all are reconciled: %w", err)
	}
	verified := time.Since(start)
	return row{
		what:    fmt.Sprintf("start beside %d: ready after %v; verified, %.0f writes / 30 s", n, ready.Round(time.Millisecond), writes(m)),
		service: verified.Round(time.Millisecond).String(), floor: fmt.Sprintf("%d s", startSeconds),
		ratio: verified.Seconds() / startSeconds, goal: goal{atMost: 1},
	}, nil
}

// writes counts the writing requests without renewals of the lease, which are the only updates.
func writes(m service.Measured) (n float64) {
	for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodDelete} {
		n += m.Sum(requestsMetric, "method", method)
	}
	return n
}

func mebibytes(n float64) string { return fmt.Sprintf("%.1f MiB", n/(1<<20)) }
