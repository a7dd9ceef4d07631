package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"time"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/freeport"
	"platform.company.com/workspace-flyte-integration/devcluster/runports"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// The state directory of `run`, and the file in it for a shell to source.
const (
	runDir  = ".run"
	envFile = "env"
)

// running are the processes that `run` has started.
type running struct {
	// once stops them when the workspaces are Ready.
	once    bool
	dir     string
	ports   runports.Ports
	cluster *devcluster.Cluster
	api     *workspaceService
	service *service.Service
}

// runService starts everything, makes the workspace service's double send the samples as signed webhooks, and shows the workspaces when
// they are Ready. With --once it stops then; otherwise it serves until ctx ends.
func runService(ctx context.Context, args []string) error {
	flags := newFlags("run")
	once := flags.Bool("once", false, "stop when the workspaces are Ready")
	withNode := flags.Bool("node", false, "run the service in pods on a real node")
	if err := parse(flags, args); err != nil {
		return err
	}
	dir, lock, err := openStateDir(runDir)
	if err != nil {
		return err
	}
	defer lock.Close()
	ports, err := runports.Choose(ctx, os.Getenv)
	if err != nil {
		return err
	}
	if *withNode {
		return (&nodeRun{once: *once, dir: dir, ports: ports}).run(ctx)
	}
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", freeport.Address(ports.Flyte))
	if err != nil {
		return fmt.Errorf("listening for the Flyte double: %w", err)
	}
	flyte := flytetest.Serve(lis)
	defer flyte.Stop()
	cluster, err := devcluster.Start(ctx, devcluster.Options{
		Dir: filepath.Join(dir, "cluster"), Progress: os.Stderr, APIServerPort: ports.Kubernetes,
	})
	if err != nil {
		return err
	}
	defer cluster.Stop()
	api := newWorkspaceService(dir, freeport.Address(ports.WorkspaceService))
	r := &running{once: *once, dir: dir, ports: ports, cluster: cluster, api: api}
	defer r.stop()
	return r.demonstrate(ctx)
}

func (r *running) demonstrate(ctx context.Context) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	if err := r.api.createSamples(ctx); err != nil {
		return err
	}
	if err := showWorkspaces(ctx, r.cluster.Config(), os.Stdout); err != nil {
		return err
	}
	if err := r.api.show(ctx, os.Stdout); err != nil || r.once {
		return err
	}
	r.printAddresses(os.Stdout)
	return r.wait(ctx)
}

// start installs the chart, and starts the workspace service's double and then the integration.
func (r *running) start(ctx context.Context) (err error) {
	progress("installing the chart")
	r.service, err = service.Install(ctx, service.Options{
		Admin: r.cluster.Config(), Binary: sibling("integration"), Flyte: freeport.Address(r.ports.Flyte), Dir: r.dir,
		Address: freeport.Address(r.ports.Integration), MetricsAddress: freeport.Address(r.ports.Metrics), Env: r.api.variables(),
		Values: map[string]any{"api": map[string]any{"auth": "none"}}, // it listens on loopback alone
	})
	if err != nil {
		return err
	}
	variables := map[string]string{
		"KUBECONFIG": r.cluster.Kubeconfig(), "WORKSPACE_WEBHOOK_SECRET": r.service.Secret, "INTEGRATIONCTL_URL": r.api.url(),
	}
	maps.Copy(variables, r.api.variables())
	if err := os.WriteFile(filepath.Join(r.dir, envFile), []byte(exports(variables)), 0o600); err != nil {
		return fmt.Errorf("writing the environment: %w", err)
	}
	if err := r.api.start(ctx, r.service); err != nil {
		return err
	}
	progress("starting the service under the chart's account, log in " + filepath.Join(runDir, "integration.log"))
	return r.service.Start(ctx)
}

func (r *running) printAddresses(out io.Writer) {
	fmt.Fprintf(out, `
Serving until Ctrl-C:

  webhooks, API            %s (OpenAPI: %[1]s/docs)
  read API                 %[1]s/workspaces, open to every program on this machine
  metrics                  %[2]s
  workspace service        %s, a double; its log is %s
  Kubernetes API           %s
  Flyte                    %s, an in-memory double

In another terminal, in this directory:

  . %s/%s
  kubectl get workspaces
  bin/integrationctl send --id ws-001 --version 1 --name "My workspace"

See all workspaces, live: %[1]s
`, r.service.URL, r.service.Metrics, r.api.url(), r.api.log(), r.cluster.Config().Host, freeport.Address(r.ports.Flyte), runDir, envFile)
}

// wait returns nil when ctx ends, and an error if a process exits by itself.
func (r *running) wait(ctx context.Context) error {
	failed := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { failed <- r.cluster.Wait(ctx) }()
	select {
	case err := <-failed:
		return err
	case <-r.service.Exited():
		return r.service.Failure()
	case <-r.api.program.Exited():
		return r.api.program.Failure()
	}
}

func (r *running) stop() {
	if r.service != nil {
		r.service.Stop()
	}
	r.api.stop()
}

// sibling is the path of another binary in the directory of this one.
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
