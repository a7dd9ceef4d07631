package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// Where `run` keeps its state, and where it serves.
const (
	runDir     = ".run"
	runAddress = "127.0.0.1:8080"
	// apiAddress is where the stand-in of the workspace service listens.
	apiAddress = "127.0.0.1:8081"
	envFile    = "env"
)

// runService starts everything, has the stand-in of the workspace service send the samples as signed webhooks, and shows
// the workspaces when they are Ready. It goes on serving until ctx ends, or, with --once, stops.
func runService(ctx context.Context, args []string) error {
	flags := newFlags("run")
	once := flags.Bool("once", false, "stop when the workspaces are Ready")
	if err := parse(flags, args); err != nil {
		return err
	}
	if err := errors.Join(mustBeFree(ctx, runAddress), mustBeFree(ctx, apiAddress)); err != nil {
		return err
	}
	dir, err := freshDir()
	if err != nil {
		return err
	}
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening for the Flyte double: %w", err)
	}
	flyte := flytetest.Serve(lis)
	defer flyte.Stop()
	cluster, err := devcluster.Start(ctx, devcluster.Options{Dir: filepath.Join(dir, "cluster"), Progress: os.Stderr})
	if err != nil {
		return err
	}
	defer cluster.Stop()
	api := newWorkspaceService(dir)
	defer api.stop()
	svc, err := startService(ctx, cluster, api, flyte.Addr())
	if err != nil {
		return err
	}
	defer svc.Stop()
	if err := api.make(ctx); err != nil {
		return err
	}
	if err := showWorkspaces(ctx, cluster.Config(), os.Stdout); err != nil {
		return err
	}
	if err := api.show(ctx, os.Stdout); err != nil || *once {
		return err
	}
	fmt.Printf("\nServing on %s until Ctrl-C. In another terminal:\n\n", svc.URL)
	fmt.Printf("  . %s/%s\n  kubectl get workspaces\n", runDir, envFile)
	fmt.Println(`  bin/integrationctl send --id ws-001 --version 1 --name "My workspace"`)
	fmt.Printf("  tail -f %s\n", api.log())
	return untilEnded(ctx, svc)
}

// mustBeFree refuses to begin beside another run, whose state it would remove.
func mustBeFree(ctx context.Context, address string) error {
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("%s is taken; is another `make run` going on? %w", address, err)
	}
	return lis.Close()
}

// freshDir empties the state directory: each run begins anew.
func freshDir() (string, error) {
	dir, err := filepath.Abs(runDir)
	if err != nil {
		return "", fmt.Errorf("finding the state directory: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("emptying the state directory: %w", err)
	}
	return dir, os.MkdirAll(dir, 0o700)
}

func startService(ctx context.Context, cluster *devcluster.Cluster, api *workspaceService, flyte string) (*service.Service, error) {
	progress("installing the chart")
	svc, err := service.Install(ctx, service.Options{
		Cluster: cluster, Binary: sibling("integration"), Flyte: flyte, Dir: api.dir, Address: runAddress, Env: api.variables(),
	})
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "export KUBECONFIG=%s\nexport WORKSPACE_WEBHOOK_SECRET=%s\n", cluster.Kubeconfig(), svc.Secret)
	for name, value := range api.variables() {
		fmt.Fprintf(&text, "export %s=%s\n", name, value)
	}
	if err := os.WriteFile(filepath.Join(api.dir, envFile), []byte(text.String()), 0o600); err != nil {
		return nil, fmt.Errorf("writing the environment: %w", err)
	}
	if err := api.start(ctx, svc); err != nil {
		return nil, err
	}
	progress("starting the service under the chart's account, log in " + filepath.Join(runDir, "integration.log"))
	if err := svc.Start(ctx); err != nil {
		return nil, err
	}
	return svc, nil
}

// untilEnded returns nil when ctx ends, and an error when the service has ended by itself.
func untilEnded(ctx context.Context, svc *service.Service) error {
	select {
	case <-ctx.Done():
		return nil
	case <-svc.Exited():
		return svc.Failure()
	}
}

// sibling is another binary in the folder of this one.
func sibling(name string) string {
	self, err := os.Executable()
	if err != nil {
		return name
	}
	return filepath.Join(filepath.Dir(self), name)
}

func progress(what string) {
	fmt.Fprintf(os.Stderr, "%s  %s\n", time.Now().Format(time.TimeOnly), what)
}
