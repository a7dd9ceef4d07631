package main

import (
	"context"
	"fmt"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// latency is the time from the webhook to its response, and to Ready as a watch shows it.
type latency struct{ answered, ready time.Duration }

// idle creates one workspace at a time, alternating with the bare client.
func idle(ctx context.Context, e *environment, size sizes) ([]row, error) {
	var answers, readies, creates, wholes []time.Duration
	err := e.profiled(ctx, func() error {
		for i := range size.idle {
			bare, err := e.timeBarePaused(ctx, fmt.Sprintf("idle-%d-bare", i))
			if err != nil {
				return err
			}
			a, err := e.timeWorkspace(ctx, fmt.Sprintf("idle-%d", i))
			if err != nil {
				return err
			}
			answers, readies = append(answers, a.answered), append(readies, a.ready)
			creates, wholes = append(creates, bare.create), append(wholes, bare.whole)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return []row{
		timeRow("webhook sent → answered / one bare create", median, answers, creates, goal{atMost: 1.5}),
		timeRow("webhook sent → answered / one bare create", p99, answers, creates, goal{}),
		timeRow("webhook sent → Ready / the bare objects", median, readies, wholes, goal{atMost: 2}),
		timeRow("webhook sent → Ready / the bare objects", p99, readies, wholes, goal{}),
	}, nil
}

// timeBarePaused calls makeBare while the service is paused, and returns when the service is idle again.
func (e *environment) timeBarePaused(ctx context.Context, id string) (bareTimes, error) {
	b, err := e.bareOf(id)
	if err != nil {
		return bareTimes{}, err
	}
	e.service.Pause()
	times, err := e.makeBare(ctx, b)
	if err == nil {
		err = e.removeBare(ctx, id)
	}
	e.service.Resume()
	if err != nil {
		return times, err
	}
	return times, e.waitUntilIdle(ctx)
}

// waitUntilIdle returns when the queue is empty, and nothing was reconciled between two reads of the metrics.
func (e *environment) waitUntilIdle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for done, before := -1.0, -2.0; done != before; {
		m, err := e.service.Measure(ctx)
		if err != nil {
			return err
		}
		if m.Sum(queueMetric)+m.Sum(activeMetric) == 0 {
			before, done = done, m.Sum(reconcileMetric)
		}
	}
	return nil
}

// timeWorkspace sends one webhook and waits until its workspace is Ready.
func (e *environment) timeWorkspace(ctx context.Context, id string) (a latency, err error) {
	m, err := service.NewMessage(workspace.EventCreated, e.team(id))
	if err != nil {
		return a, err
	}
	watch, err := e.watchFor(ctx, &v1alpha1.WorkspaceList{}, ready)
	if err != nil {
		return a, err
	}
	defer watch.stop()
	start := time.Now()
	if _, err := e.service.Deliver(ctx, m); err != nil {
		return a, fmt.Errorf("sending %s: %w", id, err)
	}
	a.answered = time.Since(start)
	times, err := watch.until(ctx, id)
	if err != nil {
		return a, err
	}
	a.ready = times[id].Sub(start)
	return a, nil
}
