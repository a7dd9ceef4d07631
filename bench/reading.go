package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/cache"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

const (
	// firstPage is how long a first page may take.
	firstPage = 50 * time.Millisecond
	// openStreams are as many as browser tabs that are open beside changing workspaces.
	openStreams = 200
	// readRetry is how long a client waits after the rate limit has refused it, or after its stream has ended.
	readRetry = 100 * time.Millisecond
)

// firstPages times the first page of the read API and of the web page, and a bare list of all Workspaces from an informer's cache.
func firstPages(ctx context.Context, e *environment, n int, _ sizes) (rows []row, err error) {
	bare, err := e.timeBareLists(ctx)
	if err != nil {
		return nil, err
	}
	for _, path := range []string{"/workspaces?sort=-created", "/", "/ui/workspaces"} {
		var times []time.Duration
		for range probes {
			took, err := e.timeRead(ctx, path)
			if err != nil {
				return nil, err
			}
			times = append(times, took)
		}
		first := quantile(times, median)
		rows = append(rows,
			timeRow(fmt.Sprintf("GET %s beside %d / bare list from a cache", path, n), median, times, bare, goal{}),
			row{
				what: fmt.Sprintf("GET %s beside %d", path, n), service: first.String(), floor: firstPage.String(),
				ratio: ratioOf(first, firstPage), goal: goal{atMost: 1},
			})
	}
	return rows, nil
}

// timeBareLists lists all Workspaces from a cache of its own, as the read API does from the service's.
func (e *environment) timeBareLists(ctx context.Context) (times []time.Duration, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	informers, err := ctrlcache.New(e.cluster.Config(), ctrlcache.Options{Scheme: e.bare.Scheme()})
	if err != nil {
		return nil, fmt.Errorf("creating a cache: %w", err)
	}
	informer, err := informers.GetInformer(ctx, &v1alpha1.Workspace{}, ctrlcache.BlockUntilSynced(false))
	if err != nil {
		return nil, fmt.Errorf("watching Workspaces: %w", err)
	}
	go func() { _ = informers.Start(ctx) }()
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return nil, ctx.Err()
	}
	for range probes {
		start := time.Now()
		if err := informers.List(ctx, &v1alpha1.WorkspaceList{}, client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("listing Workspaces from a cache: %w", err)
		}
		times = append(times, time.Since(start))
	}
	return times, nil
}

func (e *environment) timeRead(ctx context.Context, path string) (took time.Duration, err error) {
	start := time.Now()
	err = e.read(ctx, path, func(body io.Reader) error {
		_, err := io.Copy(io.Discard, body)
		took = time.Since(start)
		return err
	})
	return took, err
}

// read calls use with the body of an answer. It repeats a request that the rate limit refuses.
func (e *environment) read(ctx context.Context, path string, use func(io.Reader) error) error {
	err := wait.PollUntilContextCancel(ctx, readRetry, true, func(ctx context.Context) (answered bool, err error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.service.URL+path, http.NoBody)
		if err != nil {
			return false, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, err
		}
		defer response.Body.Close()
		switch response.StatusCode {
		case http.StatusOK:
			return true, use(response.Body)
		case http.StatusTooManyRequests:
			return false, nil
		}
		return false, errors.New(response.Status)
	})
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

// withStreams creates workspaces without and with many open streams of all workspaces, in turns, and compares rate and memory. It comes
// last, since the workspaces stay.
func withStreams(ctx context.Context, e *environment, n int, size sizes, rows []row) ([]row, error) {
	var with, without []time.Duration
	var resident [2]float64
	for i := range 2 * streamTurns {
		streaming := i%2 == 1
		stop := func() {}
		if streaming {
			var err error
			if stop, err = e.openStreams(ctx, openStreams); err != nil {
				return rows, err
			}
		}
		start := time.Now()
		err := e.createWorkspaces(ctx, fmt.Sprintf("streams-%d-%d", n, i), size.streamed)
		took := time.Since(start)
		measured, failed := e.service.Measure(ctx)
		stop()
		switch {
		case err != nil:
			return rows, err
		case failed != nil:
			return rows, failed
		case streaming:
			with, resident[1] = append(with, took), measured.Sum(residentMetric)
		default:
			without, resident[0] = append(without, took), measured.Sum(residentMetric)
		}
	}
	perSecond := func(times []time.Duration) float64 { return float64(size.streamed) / quantile(times, median).Seconds() }
	return append(rows, row{
		what:    fmt.Sprintf("%d workspaces at once beside %d, with %d streams / without", size.streamed, n, openStreams),
		service: fmt.Sprintf("%.1f/s, %s", perSecond(with), mebibytes(resident[1])),
		floor:   fmt.Sprintf("%.1f/s, %s", perSecond(without), mebibytes(resident[0])),
		ratio:   ratioOf(perSecond(with), perSecond(without)),
	}), nil
}

// streamTurns is how often workspaces are created with streams, and as often without.
const streamTurns = 3

// openStreams opens n streams of all workspaces, and reads them until stop is called. It returns when all have everything.
func (e *environment) openStreams(ctx context.Context, n int) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	opened, ended := make(chan struct{}), make(chan error, n)
	for range n {
		go func() { ended <- e.follow(ctx, sync.OnceFunc(func() { opened <- struct{}{} })) }()
	}
	for range n {
		select {
		case <-opened:
		case err := <-ended:
			cancel()
			return nil, err
		}
	}
	return cancel, nil
}

// follow reads a stream of all workspaces until ctx ends, and calls synced when it has everything. As EventSource does, it connects again
// when the service ends the stream: many that begin at once may wait too long for their turn.
func (e *environment) follow(ctx context.Context, synced func()) error {
	return wait.PollUntilContextCancel(ctx, readRetry, true, func(ctx context.Context) (bool, error) {
		return false, e.read(ctx, "/workspaces?watch=true", func(body io.Reader) error {
			lines := bufio.NewScanner(body)
			for lines.Scan() {
				if lines.Text() == "event: synced" {
					synced()
				}
			}
			return lines.Err()
		})
	})
}
