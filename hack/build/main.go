// Command build builds programs of this repository and the control plane concurrently, and shows its progress:
//
//	go run ./hack/build [--ldflags FLAGS] [--check-run-ports] [--check-node] \
//	    [programs] [control-plane] [nodes] [node] [browser] [sshd] [docker] [kueue]
//
// It imports only the standard library, so that it compiles within seconds when all caches are empty.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"platform.company.com/workspace-flyte-integration/devcluster/binaries"
	"platform.company.com/workspace-flyte-integration/devcluster/node/machine"
	"platform.company.com/workspace-flyte-integration/devcluster/runports"
)

const interrupted = 130

func main() {
	linkerFlags := flag.String("ldflags", "", "linker flags for the programs")
	checkPorts := flag.Bool("check-run-ports", false, "fail at once if a port of `make run` is taken")
	checkNode := flag.Bool("check-node", false, "fail at once if this machine can't run a node")
	flag.Parse()
	if err := machine.CanRun(); *checkNode && err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	var err error
	if *checkPorts {
		_, err = runports.Choose(ctx, os.Getenv)
	}
	if err == nil {
		err = build(ctx, *linkerFlags, flag.Args())
	}
	stopped := ctx.Err() != nil
	cancel()
	switch {
	case err != nil && stopped:
		fmt.Fprintln(os.Stderr, "build: interrupted; the next build continues from here")
		os.Exit(interrupted)
	case err != nil:
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

// build builds the named targets concurrently. The first failure cancels the rest.
func build(ctx context.Context, linkerFlags string, names []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	progress := binaries.NewProgress(os.Stderr)
	defer progress.Close()
	var group sync.WaitGroup
	var mu sync.Mutex
	var first error
	for _, name := range names {
		group.Go(func() {
			if err := buildOne(ctx, progress, name, linkerFlags); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if first == nil {
					first = err
				}
				cancel()
			}
		})
	}
	group.Wait()
	return first
}

func buildOne(ctx context.Context, progress io.Writer, name, linkerFlags string) (err error) {
	switch name {
	case "programs":
		return binaries.Programs(ctx, progress, linkerFlags)
	case "control-plane":
		_, err = binaries.ControlPlane(ctx, progress)
	case "nodes":
		_, err = binaries.Nodes(ctx, progress)
	case "node":
		_, err = binaries.Node(ctx, progress)
	case "browser":
		_, err = binaries.Browser(ctx, progress)
	case "sshd":
		_, err = binaries.SSHServerRoot(ctx, progress)
	case "docker":
		_, err = binaries.DockerEngineRoot(ctx, progress)
	case "kueue":
		_, err = binaries.Kueue(ctx, progress)
	default:
		err = fmt.Errorf("unknown target %q; there are programs, control-plane, nodes, node, browser, sshd, docker and kueue", name)
	}
	return err
}
