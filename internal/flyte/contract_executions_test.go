package flyte_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/core"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// executionResources returns the resources with which propeller runs the task of an execution.
type executionResources func(t *testing.T, project, domain, name string) *core.Resources

// TestExecutions is the effect of TASK_RESOURCE on executions. A real FlyteAdmin (FLYTE_TEST_ENDPOINT) needs the namespace mapping
// flyte-{{ project }} and a cluster in which it creates FlyteWorkflows (FLYTE_TEST_KUBECONFIG).
func TestExecutions(t *testing.T) {
	t.Run("double", func(t *testing.T) {
		double := startDouble(t)
		read := func(_ *testing.T, project, domain, name string) *core.Resources {
			return double.ExecutionResources(project, domain, name)
		}
		executionsContract(t, connect(t, double.Addr()), read)
	})
	endpoint, kubeconfig := os.Getenv("FLYTE_TEST_ENDPOINT"), os.Getenv("FLYTE_TEST_KUBECONFIG")
	if endpoint != "" && kubeconfig != "" {
		t.Run("real", func(t *testing.T) { executionsContract(t, connect(t, endpoint), inCluster(kubeconfig)) })
	}
}

// inCluster reads the FlyteWorkflow.
func inCluster(kubeconfig string) executionResources {
	return func(t *testing.T, project, _, name string) *core.Resources {
		t.Helper()
		resources, err := flytetest.ExecutionResources(t.Context(), kubeconfig, project, name)
		if err != nil {
			t.Fatal(err)
		}
		return resources
	}
}

func TestWorkflowResources(t *testing.T) {
	const container = `{"container": {"resources": {"requests": [{"name": "CPU", "value": "1"}], "limits": [{"name": "GPU", "value": "2"}]}}}`
	resources, err := flytetest.WorkflowResources([]byte(`{"tasks": {"t": ` + container + `}}`))
	if err != nil {
		t.Fatal(err)
	}
	got := [2]string{formatResources(resources.GetRequests()), formatResources(resources.GetLimits())}
	if diff := cmp.Diff([2]string{"CPU=1", "GPU=2"}, got); diff != "" {
		t.Errorf("requests and limits (-want +got):\n%s", diff)
	}
	for _, text := range []string{`{`, `{}`, `{"tasks": {"a": ` + container + `, "b": ` + container + `}}`} {
		if _, err := flytetest.WorkflowResources([]byte(text)); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}

// parseResources parses "CPU=1 MEMORY=2Gi".
func parseResources(text string) (entries []*core.Resources_ResourceEntry) {
	for field := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(field, "=")
		resource := core.Resources_ResourceName(core.Resources_ResourceName_value[name])
		entries = append(entries, &core.Resources_ResourceEntry{Name: resource, Value: value})
	}
	return entries
}

// formatResources is the inverse of parseResources.
func formatResources(entries []*core.Resources_ResourceEntry) string {
	var fields []string
	for _, entry := range entries {
		fields = append(fields, entry.GetName().String()+"="+entry.GetValue())
	}
	return strings.Join(slices.Sorted(slices.Values(fields)), " ")
}

// execution is a task with its own resources, and the resources with which it runs; a refused task is InvalidArgument.
type execution struct {
	requests, limits         string
	wantRequests, wantLimits string
	refused                  bool
}

func executionsContract(t *testing.T, f flyteServer, read executionResources) {
	t.Helper()
	whole := flyte.TaskResources{
		Defaults: flyte.Resources{CPU: "250m", Memory: "512Mi"},
		Limits:   flyte.Resources{CPU: "3999m", Memory: "8191Mi", GPU: "1", EphemeralStorage: "10239Mi"},
	}
	for name, project := range map[string]struct {
		attributes flyte.TaskResources
		tasks      map[string]execution
	}{
		// The attribute replaces FlyteAdmin's own defaults and limits, and zero is no limit.
		"limits alone": {flyte.TaskResources{Limits: flyte.Resources{CPU: "3999m"}}, map[string]execution{
			"nothing": {wantRequests: "CPU=0 MEMORY=0", wantLimits: "CPU=0 MEMORY=0"},
			"gpus":    {requests: "GPU=5", limits: "GPU=5", wantRequests: "CPU=0 GPU=5 MEMORY=0", wantLimits: "CPU=0 GPU=5 MEMORY=0"},
		}},
		"zero limits": {flyte.TaskResources{
			Defaults: whole.Defaults, Limits: flyte.Resources{CPU: "0", Memory: "0", GPU: "0"},
		}, map[string]execution{
			"all": {
				requests: "CPU=64 MEMORY=1Ti GPU=64", limits: "GPU=64",
				wantRequests: "CPU=64 GPU=64 MEMORY=1Ti", wantLimits: "CPU=64 GPU=64 MEMORY=1Ti",
			},
		}},
		"defaults and limits": {whole, map[string]execution{
			"nothing": {wantRequests: "CPU=250m MEMORY=512Mi", wantLimits: "CPU=250m MEMORY=512Mi"},
			"zeros": {
				requests: "CPU=0 MEMORY=0", limits: "CPU=0 MEMORY=0",
				wantRequests: "CPU=250m MEMORY=512Mi", wantLimits: "CPU=250m MEMORY=512Mi",
			},
			"a request": {requests: "CPU=2", wantRequests: "CPU=2 MEMORY=512Mi", wantLimits: "CPU=2 MEMORY=512Mi"},
			"a limit":   {limits: "MEMORY=1Gi", wantRequests: "CPU=250m MEMORY=1Gi", wantLimits: "CPU=250m MEMORY=1Gi"},
			"lowered":   {requests: "CPU=4", wantRequests: "CPU=3999m MEMORY=512Mi", wantLimits: "CPU=3999m MEMORY=512Mi"},
			"a gpu": {
				requests: "GPU=1", limits: "GPU=1",
				wantRequests: "CPU=250m GPU=1 MEMORY=512Mi", wantLimits: "CPU=250m GPU=1 MEMORY=512Mi",
			},
			"storage": {
				requests: "EPHEMERAL_STORAGE=2Gi", wantRequests: "CPU=250m EPHEMERAL_STORAGE=2Gi MEMORY=512Mi",
				wantLimits: "CPU=250m EPHEMERAL_STORAGE=2Gi MEMORY=512Mi",
			},
			"too much cpu":     {requests: "CPU=5", refused: true},
			"too much memory":  {requests: "MEMORY=1Gi", limits: "MEMORY=16Gi", refused: true},
			"too many gpus":    {requests: "GPU=5", limits: "GPU=5", refused: true},
			"too much storage": {requests: "EPHEMERAL_STORAGE=20Gi", refused: true},
			"half a gpu":       {requests: "GPU=500m", limits: "GPU=500m", refused: true},
			"unlike gpus":      {requests: "GPU=1", limits: "GPU=2", refused: true},
			"no quantity":      {requests: "CPU=lots", refused: true},
			"limits too low":   {requests: "CPU=2", limits: "CPU=1", refused: true},
		}},
		"smallest quantities": {flyte.TaskResources{
			Defaults: flyte.Resources{CPU: "1m", Memory: "1"}, Limits: flyte.Resources{CPU: "1m", Memory: "1", GPU: "1"},
		}, map[string]execution{
			"nothing":  {wantRequests: "CPU=1m MEMORY=1", wantLimits: "CPU=1m MEMORY=1"},
			"a little": {requests: "CPU=1", wantRequests: "CPU=1m MEMORY=1", wantLimits: "CPU=1m MEMORY=1"}, // compared in whole cores
			"memory":   {requests: "MEMORY=1Mi", refused: true},
			"gpus":     {requests: "GPU=2", limits: "GPU=2", refused: true},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			want := f.newProject(t)
			want.Attributes = inAll(f.domains(t), flyte.Attributes{TaskResources: &project.attributes})
			f.ensure(t, want, true)
			prepareNamespace(t, want.ID)
			for task, run := range project.tasks {
				t.Run(task, func(t *testing.T) { f.wantExecution(t, want.ID, run, read) })
			}
		})
	}
}

// prepareNamespace creates the namespace of a project if a real FlyteAdmin has a cluster.
func prepareNamespace(t *testing.T, project string) {
	t.Helper()
	if kubeconfig := os.Getenv("FLYTE_TEST_KUBECONFIG"); kubeconfig != "" {
		if _, err := flytetest.Kubectl(t.Context(), kubeconfig, "create", "namespace", "flyte-"+project); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx := context.WithoutCancel(t.Context())
			_, _ = flytetest.Kubectl(ctx, kubeconfig, "delete", "namespace", "--wait=false", "flyte-"+project)
		})
	}
}

func (f flyteServer) wantExecution(t *testing.T, project string, run execution, read executionResources) {
	t.Helper()
	name := strings.Replace(f.newID(t), "contract-", "e", 1)
	task, err := flytetest.RegisterTask(t.Context(), f.v1, project, f.domains(t)[0], name,
		&core.Resources{Requests: parseResources(run.requests), Limits: parseResources(run.limits)})
	if run.refused {
		wantCode(t, codes.InvalidArgument, err)
		return
	}
	wantCode(t, codes.OK, err)
	wantCode(t, codes.OK, flytetest.StartExecution(t.Context(), f.v1, task, name))
	got := read(t, project, task.GetDomain(), name)
	want := [2]string{run.wantRequests, run.wantLimits}
	if diff := cmp.Diff(want, [2]string{formatResources(got.GetRequests()), formatResources(got.GetLimits())}); diff != "" {
		t.Errorf("requests and limits (-want +got):\n%s", diff)
	}
}
