package main

import (
	"context"
	"fmt"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// arrival is how long one workspace took: from the webhook to its answer, and to Ready as the watch told it.
type arrival struct{ answered, ready time.Duration }

// idle makes workspaces one after the other, in turns with the bare client, while nothing else happens.
func idle(ctx context.Context, w *world, size sizes) ([]row, error) {
	var answers, readies, creates, wholes []time.Duration
	err := w.profiled(ctx, func() error {
		for i := range size.idle {
			bare, err := w.pausedBare(ctx, fmt.Sprintf("idle-%d-bare", i))
			if err != nil {
				return err
			}
			a, err := w.arrive(ctx, fmt.Sprintf("idle-%d", i))
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

// pausedBare is makeBare with the service frozen meanwhile, and at rest again afterwards.
func (w *world) pausedBare(ctx context.Context, id string) (bareTimes, error) {
	b, err := w.bareOf(id)
	if err != nil {
		return bareTimes{}, err
	}
	w.service.Pause()
	times, err := w.makeBare(ctx, b)
	if err == nil {
		err = w.removeBare(ctx, id)
	}
	w.service.Resume()
	if err != nil {
		return times, err
	}
	return times, w.rested(ctx)
}

// rested returns when the service has done what has piled up: nothing waits, and it did nothing between two answers.
func (w *world) rested(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for done, before := -1.0, -2.0; done != before; {
		m, err := w.service.Measure(ctx)
		if err != nil {
			return err
		}
		if m.Sum(queueMetric)+m.Sum(activeMetric) == 0 {
			before, done = done, m.Sum(reconciledMetric)
		}
	}
	return nil
}

const reconciledMetric = "controller_runtime_reconcile_total"

// arrive sends one webhook and waits for its workspace to be Ready.
func (w *world) arrive(ctx context.Context, id string) (a arrival, err error) {
	m, err := service.NewMessage(workspace.EventCreated, team(id))
	if err != nil {
		return a, err
	}
	watch, err := w.watchFor(ctx, &v1alpha1.WorkspaceList{}, ready)
	if err != nil {
		return a, err
	}
	defer watch.stop()
	start := time.Now()
	if _, err := w.service.Deliver(ctx, m); err != nil {
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
