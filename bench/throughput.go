package main

import (
	"context"
	"fmt"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// sendersAtOnce is how many webhooks of a crowd are under way.
const sendersAtOnce = 128

// throughput lets a crowd of workspaces arrive at once, between two halves of the floor.
func throughput(ctx context.Context, w *world, size sizes) ([]row, error) {
	half := size.crowd / 2
	before, err := w.stoppedBare(ctx, "before", half)
	if err != nil {
		return nil, err
	}
	var took time.Duration
	err = w.profiled(ctx, func() error {
		start := time.Now()
		defer func() { took = time.Since(start) }()
		return w.crowd(ctx, "crowd", size.crowd)
	})
	if err != nil {
		return nil, err
	}
	after, err := w.stoppedBare(ctx, "after", half)
	if err != nil {
		return nil, err
	}
	perSecond, floor := float64(size.crowd)/took.Seconds(), float64(2*half)/(before+after).Seconds()
	return []row{{
		what:    fmt.Sprintf("%d workspaces at once, %d namespaces each", size.crowd, len(w.naming.Namespaces("any"))),
		service: fmt.Sprintf("%.1f/s", perSecond), floor: fmt.Sprintf("%.1f/s", floor),
		ratio: ratioOf(perSecond, floor), goal: goal{atLeast: 0.8},
	}}, nil
}

// crowd sends n webhooks at once and returns when all their workspaces are Ready.
func (w *world) crowd(ctx context.Context, prefix string, n int) error {
	watch, err := w.watchFor(ctx, &v1alpha1.WorkspaceList{}, ready)
	if err != nil {
		return err
	}
	defer watch.stop()
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%d", prefix, i)
	}
	sent := make(chan error, 1)
	go func() { sent <- w.sendAll(ctx, names) }()
	_, watched := watch.until(ctx, names...)
	if err := <-sent; err != nil {
		return err
	}
	return watched
}

func (w *world) sendAll(ctx context.Context, names []string) error {
	return each(len(names), sendersAtOnce, func(i int) error {
		m, err := service.NewMessage(workspace.EventCreated, team(names[i]))
		if err != nil {
			return err
		}
		if _, err := w.service.Deliver(ctx, m); err != nil {
			return fmt.Errorf("sending %s: %w", names[i], err)
		}
		return nil
	})
}

// stoppedBare tells how long the bare client takes for n workspaces, the service being stopped: a pause so long would
// cost it the lease.
func (w *world) stoppedBare(ctx context.Context, prefix string, n int) (time.Duration, error) {
	w.service.Stop()
	start := time.Now()
	err := each(n, atOnce, func(i int) error {
		_, err := w.makeBare(ctx, fmt.Sprintf("%s-%d-bare", prefix, i))
		return err
	})
	took := time.Since(start)
	if err != nil {
		return 0, err
	}
	return took, w.service.Start(ctx)
}
