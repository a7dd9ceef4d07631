package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// environment is a control plane, the service under the chart's account, and the bare client.
type environment struct {
	cluster *devcluster.Cluster
	service *service.Service
	// bare is a client of the cluster admin, without rate limits, with protobuf where the API server supports it.
	bare client.WithWatch
	// server is a client of the cluster admin for the API server's metrics and profiles.
	server rest.Interface
	// naming names the namespaces of a workspace.
	naming *workspace.Naming
	// sample is the status of a Ready workspace, and tier its tier.
	sample v1alpha1.WorkspaceStatus
	tier   v1alpha1.WorkspaceTier
	// onTier is the tier of new workspaces, or empty for the default one.
	onTier   string
	profiles profiles
	stops    []func()
}

func buildService(ctx context.Context) (binary string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return "", nil, fmt.Errorf("creating a directory: %w", err)
	}
	remove = func() { os.RemoveAll(dir) }
	binary = filepath.Join(dir, "integration")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "platform.company.com/workspace-flyte-integration/cmd/integration")
	if text, err := build.CombinedOutput(); err != nil {
		remove()
		return "", nil, fmt.Errorf("building the service: %w\n%s", err, text)
	}
	return binary, remove, nil
}

func newEnvironment(ctx context.Context, binary string, p part, profilesDir string) (e *environment, err error) {
	e = &environment{profiles: profiles{profilesDir, p.name}}
	e.naming, err = workspace.NewNaming(p.template, prefix, domains, nil)
	if err != nil {
		return e, err
	}
	defer func() {
		if err != nil {
			e.stop()
		}
	}()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return e, fmt.Errorf("creating a directory: %w", err)
	}
	e.stops = append(e.stops, func() { os.RemoveAll(dir) })
	flyte, err := flytetest.Start()
	if err != nil {
		return e, err
	}
	e.stops = append(e.stops, flyte.Stop)
	// The audit log has the requests by verb and kind. It slows the API server down.
	profiling := profilesDir != ""
	e.cluster, err = devcluster.Start(ctx, devcluster.Options{Progress: os.Stderr, AuditLog: profiling, Profiling: profiling})
	if err != nil {
		return e, err
	}
	e.stops = append(e.stops, e.cluster.Stop)
	if p.kueue {
		if err := e.startKueue(ctx, dir); err != nil {
			return e, err
		}
	}
	e.service, err = service.Install(ctx, service.Options{
		Admin: e.cluster.Config(), Binary: binary, Flyte: flyte.Addr(), Dir: dir,
		Values: map[string]any{
			"workspaces": map[string]any{"namespaceTemplate": p.template}, "queues": map[string]any{"enabled": p.kueue},
		},
		Env: map[string]string{
			"PPROF_ENABLED": strconv.FormatBool(profiling || p.name == "standing"), "API_AUTH": "none",
		},
	})
	if err != nil {
		return e, err
	}
	if err := e.connect(); err != nil {
		return e, err
	}
	if err := e.service.Start(ctx); err != nil {
		return e, err
	}
	e.stops = append(e.stops, func() { e.service.Stop() })
	err = e.warmUp(ctx)
	return e, err
}

func (e *environment) connect() error {
	scheme, err := k8s.NewScheme()
	if err != nil {
		return err
	}
	e.bare, err = client.NewWithWatch(e.cluster.Config(), client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	clientset, err := kubernetes.NewForConfig(e.cluster.Config())
	if err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	e.server = clientset.RESTClient()
	return nil
}

// stop stops everything in reverse order.
func (e *environment) stop() {
	for i := range e.stops {
		e.stops[len(e.stops)-1-i]()
	}
}

// warmUp creates a few workspaces in both ways: the first writes of a kind are slow on a new API server.
func (e *environment) warmUp(ctx context.Context) error {
	if err := e.createWorkspaces(ctx, "warm", warmUps); err != nil {
		return err
	}
	var made v1alpha1.Workspace
	if err := e.bare.Get(ctx, client.ObjectKey{Name: "warm-0"}, &made); err != nil {
		return fmt.Errorf("reading a workspace: %w", err)
	}
	e.sample = made.Status
	if err := e.bare.Get(ctx, client.ObjectKey{Name: made.Spec.Tier}, &e.tier); err != nil {
		return fmt.Errorf("reading the tier: %w", err)
	}
	for i := range warmUps {
		if _, err := e.timeBarePaused(ctx, fmt.Sprintf("warm-%d-bare", i)); err != nil {
			return err
		}
	}
	return nil
}

// The defaults of the chart.
const prefix = "flyte-"

var domains = []string{"development", "staging", "production"}

const (
	warmUps = 5
	// timeout bounds every wait.
	timeout = 10 * time.Minute
)

// team is the workspace that is measured, on the tier of new workspaces.
func (e *environment) team(id string) workspace.Data {
	data := team(id)
	data.Tier = e.onTier
	return data
}

// team is the workspace that is measured: a quota, two roles, a label, and 9 objects with one namespace.
func team(id string) workspace.Data {
	return workspace.Data{
		WorkspaceID: id, Version: 1, Name: "Team " + id, Description: "for the benchmark", Owner: "ana@company.com",
		Quota: v1alpha1.Quota{CPU: "20", Memory: "64Gi", GPU: "2"},
		Members: []v1alpha1.Member{
			{Kind: v1alpha1.MemberUser, Name: "ana@company.com", Role: v1alpha1.RoleAdmin},
			{Kind: v1alpha1.MemberGroup, Name: "ml-team", Role: v1alpha1.RoleEditor},
		},
		Labels: map[string]string{"cost-center": "42"},
	}
}
