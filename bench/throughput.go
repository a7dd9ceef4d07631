package main

import (
	"context"
	"fmt"
	"time"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// sendersAtOnce is the number of concurrent webhooks.
const sendersAtOnce = 128

// throughput creates many workspaces at once, between two halves of the floor.
func throughput(ctx context.Context, e *environment, size sizes) ([]row, error) {
	half := size.crowd / 2
	before, err := e.costBareStopped(ctx, "before", half)
	if err != nil {
		return nil, err
	}
	var crowd cost
	err = e.profiled(ctx, func() (err error) {
		crowd, err = e.cost(ctx, func() error { return e.createWorkspaces(ctx, "crowd", size.crowd) })
		return err
	})
	if err != nil {
		return nil, err
	}
	after, err := e.costBareStopped(ctx, "after", half)
	if err != nil {
		return nil, err
	}
	all := cost{before.took + after.took, before.cpu + after.cpu}
	perSecond, floor := float64(size.crowd)/crowd.took.Seconds(), float64(2*half)/all.took.Seconds()
	cpu, floorCPU := crowd.cpu/time.Duration(size.crowd), all.cpu/time.Duration(2*half)
	return []row{
		{
			what:    fmt.Sprintf("%d workspaces at once, %d namespaces each", size.crowd, len(e.naming.Namespaces("any"))),
			service: fmt.Sprintf("%.1f/s", perSecond), floor: fmt.Sprintf("%.1f/s", floor),
			ratio: ratioOf(perSecond, floor), goal: goal{atLeast: 0.8},
		},
		{what: "CPU time of the API server for each of them", service: cpu.String(), floor: floorCPU.String(), ratio: ratioOf(cpu, floorCPU)},
	}, nil
}

// cost is elapsed time, and CPU time of the API server.
type cost struct{ took, cpu time.Duration }

func (e *environment) cost(ctx context.Context, do func() error) (cost, error) {
	before, err := e.serverCPU(ctx)
	if err != nil {
		return cost{}, err
	}
	start := time.Now()
	if err := do(); err != nil {
		return cost{}, err
	}
	took := time.Since(start)
	after, err := e.serverCPU(ctx)
	return cost{took, after - before}, err
}

// serverCPU is the CPU time of the API server since its start.
func (e *environment) serverCPU(ctx context.Context) (time.Duration, error) {
	text, err := e.server.Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading the API server's metrics: %w", err)
	}
	measured, err := service.ParseMetrics(string(text))
	return time.Duration(measured.Sum(cpuMetric) * float64(time.Second)), err
}

// createWorkspaces sends n webhooks at once and returns when all their workspaces are Ready.
func (e *environment) createWorkspaces(ctx context.Context, prefix string, n int) error {
	watch, err := e.watchFor(ctx, &v1alpha1.WorkspaceList{}, ready)
	if err != nil {
		return err
	}
	defer watch.stop()
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%d", prefix, i)
	}
	sent := make(chan error, 1)
	go func() { sent <- e.sendAll(ctx, names) }()
	_, watched := watch.until(ctx, names...)
	if err := <-sent; err != nil {
		return err
	}
	return watched
}

func (e *environment) sendAll(ctx context.Context, names []string) error {
	return forEach(len(names), sendersAtOnce, func(i int) error {
		m, err := service.NewMessage(workspace.EventCreated, e.team(names[i]))
		if err != nil {
			return err
		}
		if _, err := e.service.Deliver(ctx, m); err != nil {
			return fmt.Errorf("sending %s: %w", names[i], err)
		}
		return nil
	})
}

// costBareStopped measures the cost of n workspaces for the bare client while the service is stopped: if it were only paused, it would
// lose its lease.
func (e *environment) costBareStopped(ctx context.Context, prefix string, n int) (cost, error) {
	all := make([]bare, n)
	for i := range all {
		var err error
		if all[i], err = e.bareOf(fmt.Sprintf("%s-%d-bare", prefix, i)); err != nil {
			return cost{}, err
		}
	}
	e.service.Stop()
	made, err := e.cost(ctx, func() error {
		return forEach(n, atOnce, func(i int) error {
			_, err := e.makeBare(ctx, all[i])
			return err
		})
	})
	if err == nil {
		err = forEach(n, atOnce, func(i int) error { return e.removeBare(ctx, all[i].ws.Name) })
	}
	if err != nil {
		return cost{}, err
	}
	return made, e.service.Start(ctx)
}
