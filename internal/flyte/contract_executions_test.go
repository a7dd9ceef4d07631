package flyte_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/core"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// executionResources reads what propeller gets to run the task of an execution with.
type executionResources func(t *testing.T, project, domain, name string) *core.Resources

// TestExecutions is what FlyteAdmin makes of TASK_RESOURCE in executions. A real FlyteAdmin (FLYTE_TEST_ENDPOINT) needs a cluster in
// which it makes FlyteWorkflows, which FLYTE_TEST_KUBECONFIG names, and the namespace mapping flyte-{{ project }}.
func TestExecutions(t *testing.T) {
	t.Run("double", func(t *testing.T) {
		double := startDouble(t)
		executionsContract(t, connect(t, double.Addr()), ofDouble(double))
	})
	endpoint, kubeconfig := os.Getenv("FLYTE_TEST_ENDPOINT"), os.Getenv("FLYTE_TEST_KUBECONFIG")
	if endpoint != "" && kubeconfig != "" {
		t.Run("real", func(t *testing.T) { executionsContract(t, connect(t, endpoint), inCluster(kubeconfig)) })
	}
}

func ofDouble(double *flytetest.Server) executionResources {
	return func(_ *testing.T, project, domain, name string) *core.Resources {
		return double.ExecutionResources(project, domain, name)
	}
}

// inCluster reads the FlyteWorkflow.
func inCluster(kubeconfig string) executionResources {
	return func(t *testing.T, project, _, name string) *core.Resources {
		t.Helper()
		output := kubectl(t, kubeconfig, "get", "flyteworkflows.flyte.lyft.com", "-n", "flyte-"+project, name, "-o", "json")
		var workflow struct {
			Tasks map[string]struct {
				Container struct {
					Resources struct {
						Requests, Limits []struct{ Name, Value string }
					} `json:"resources"`
				} `json:"container"`
			} `json:"tasks"`
		}
		if err := json.Unmarshal(output, &workflow); err != nil || len(workflow.Tasks) != 1 {
			t.Fatalf("the FlyteWorkflow has %d tasks, %v:\n%s", len(workflow.Tasks), err, output)
		}
		resources := &core.Resources{}
		for task := range maps.Values(workflow.Tasks) {
			for _, entry := range task.Container.Resources.Requests {
				resources.Requests = append(resources.Requests, entryOf(entry.Name, entry.Value))
			}
			for _, entry := range task.Container.Resources.Limits {
				resources.Limits = append(resources.Limits, entryOf(entry.Name, entry.Value))
			}
		}
		return resources
	}
}

func kubectl(t *testing.T, kubeconfig string, args ...string) []byte {
	t.Helper()
	args = append([]string{"--kubeconfig", kubeconfig}, args...)
	command := exec.CommandContext(t.Context(), "kubectl", args...) //nolint:gosec // the test's own arguments
	output, err := command.Output()
	if err != nil {
		t.Fatalf("kubectl %s: %v", strings.Join(args, " "), err)
	}
	return output
}

func entryOf(name, value string) *core.Resources_ResourceEntry {
	return &core.Resources_ResourceEntry{Name: core.Resources_ResourceName(core.Resources_ResourceName_value[name]), Value: value}
}

// resourcesOf are entries in the form "CPU=1 MEMORY=2Gi".
func resourcesOf(text string) (entries []*core.Resources_ResourceEntry) {
	for field := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(field, "=")
		entries = append(entries, entryOf(name, value))
	}
	return entries
}

// briefly is the opposite of resourcesOf.
func briefly(entries []*core.Resources_ResourceEntry) string {
	var fields []string
	for _, entry := range entries {
		fields = append(fields, entry.GetName().String()+"="+entry.GetValue())
	}
	return strings.Join(slices.Sorted(slices.Values(fields)), " ")
}

// execution is a task with its own resources, and the resources with which it is run, or the error that refuses it.
type execution struct {
	requests, limits         string
	wantRequests, wantLimits string
	refused                  bool
}

func executionsContract(t *testing.T, f flyteAdmin, read executionResources) {
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
		"the least that there is": {flyte.TaskResources{
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

// prepareNamespace makes the namespace of a project where a real FlyteAdmin has a cluster.
func prepareNamespace(t *testing.T, project string) {
	t.Helper()
	if kubeconfig := os.Getenv("FLYTE_TEST_KUBECONFIG"); kubeconfig != "" {
		kubectl(t, kubeconfig, "create", "namespace", "flyte-"+project)
		t.Cleanup(func() {
			ctx := context.WithoutCancel(t.Context())
			args := []string{"--kubeconfig", kubeconfig, "delete", "namespace", "--wait=false", "flyte-" + project}
			_ = exec.CommandContext(ctx, "kubectl", args...).Run() //nolint:gosec // the test's own arguments
		})
	}
}

func (f flyteAdmin) wantExecution(t *testing.T, project string, run execution, read executionResources) {
	t.Helper()
	name := strings.Replace(f.newID(t), "contract-", "e", 1)
	id := &core.Identifier{
		ResourceType: core.ResourceType_TASK, Project: project, Domain: f.domains(t)[0], Name: "task-" + name, Version: "v1",
	}
	template := &core.TaskTemplate{
		Type: "container", Metadata: &core.TaskMetadata{Runtime: &core.RuntimeMetadata{Version: "1"}}, Interface: &core.TypedInterface{},
		Target: &core.TaskTemplate_Container{Container: &core.Container{
			Image: "company.com/train:1", Command: []string{"train"},
			Resources: &core.Resources{Requests: resourcesOf(run.requests), Limits: resourcesOf(run.limits)},
		}},
	}
	_, err := f.v1.CreateTask(t.Context(), &admin.TaskCreateRequest{Id: id, Spec: &admin.TaskSpec{Template: template}})
	if run.refused {
		wantCode(t, codes.InvalidArgument, err)
		return
	}
	wantCode(t, codes.OK, err)
	_, err = f.v1.CreateExecution(t.Context(), &admin.ExecutionCreateRequest{
		Project: project, Domain: id.GetDomain(), Name: name,
		Spec:   &admin.ExecutionSpec{LaunchPlan: id, Metadata: &admin.ExecutionMetadata{Mode: admin.ExecutionMetadata_MANUAL}},
		Inputs: &core.LiteralMap{},
	})
	wantCode(t, codes.OK, err)
	got := read(t, project, id.GetDomain(), name)
	want := [2]string{run.wantRequests, run.wantLimits}
	if diff := cmp.Diff(want, [2]string{briefly(got.GetRequests()), briefly(got.GetLimits())}); diff != "" {
		t.Errorf("requests and limits (-want +got):\n%s", diff)
	}
}
