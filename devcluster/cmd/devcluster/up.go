package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"k8s.io/client-go/rest"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/node"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

const parentInterval = 500 * time.Millisecond

// up runs the control plane and the Flyte double until ctx ends, the parent process has ended, or a component has exited. When they are
// ready, it prints their addresses as NAME=value lines on stdout; progress is on stderr.
func up(ctx context.Context, args []string) error {
	flags := newFlags("up")
	dir := flags.String("dir", "", "state directory, which is kept; a temporary one if empty")
	flyteAddress := flags.String("flyte", "127.0.0.1:0", "address of the Flyte double")
	withNode := flags.Bool("node", false, "start a real node, too")
	if err := parse(flags, args); err != nil {
		return err
	}
	ctx, cancel := untilParentGone(ctx)
	defer cancel()
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", *flyteAddress)
	if err != nil {
		return fmt.Errorf("listening for the Flyte double: %w", err)
	}
	flyte := flytetest.Serve(lis)
	defer flyte.Stop()
	var cluster runningCluster
	if *withNode {
		cluster, err = node.Start(ctx, node.Options{Dir: *dir, Progress: os.Stderr})
	} else {
		cluster, err = devcluster.Start(ctx, devcluster.Options{Dir: *dir, Progress: os.Stderr})
	}
	if err != nil {
		return err
	}
	defer cluster.Stop()
	fmt.Printf("KUBECONFIG=%s\nKUBERNETES_API=%s\nFLYTE_ADMIN_ENDPOINT=%s\n", cluster.Kubeconfig(), cluster.Config().Host, flyte.Addr())
	return cluster.Wait(ctx)
}

// runningCluster is a cluster with or without a node.
type runningCluster interface {
	Config() *rest.Config
	Kubeconfig() string
	Wait(ctx context.Context) error
	Stop()
}

// untilParentGone returns a context that ends with the parent process: then another process becomes the parent.
func untilParentGone(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	parent := os.Getppid()
	go func() {
		ticker := time.NewTicker(parentInterval)
		defer ticker.Stop()
		for os.Getppid() == parent {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
		cancel()
	}()
	return ctx, cancel
}

// serveFlyte serves the Flyte double until ctx ends.
func serveFlyte(ctx context.Context, args []string) error {
	flags := newFlags("flyte")
	address := flags.String("listen", "127.0.0.1:8089", "address to listen on")
	if err := parse(flags, args); err != nil {
		return err
	}
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", *address)
	if err != nil {
		return fmt.Errorf("listening for the Flyte double: %w", err)
	}
	flyte := flytetest.Serve(lis)
	defer flyte.Stop()
	<-ctx.Done()
	return nil
}
