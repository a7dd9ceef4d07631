package flytetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/core"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
)

// RegisterTask registers a container task that can't run, with these resources, at any FlyteAdmin.
func RegisterTask(
	ctx context.Context, flyteAdmin service.AdminServiceClient, project, domain, name string, resources *core.Resources,
) (*core.Identifier, error) {
	container := &core.Container{Image: "company.com/train:1", Command: []string{"train"}, Resources: resources}
	return RegisterContainer(ctx, flyteAdmin, project, domain, name, container)
}

// RegisterContainer registers a container task at any FlyteAdmin.
func RegisterContainer(
	ctx context.Context, flyteAdmin service.AdminServiceClient, project, domain, name string, container *core.Container,
) (*core.Identifier, error) {
	id := &core.Identifier{ResourceType: core.ResourceType_TASK, Project: project, Domain: domain, Name: name, Version: "v1"}
	template := &core.TaskTemplate{
		Type: "container", Metadata: &core.TaskMetadata{Runtime: &core.RuntimeMetadata{Version: "1"}}, Interface: &core.TypedInterface{},
		Target: &core.TaskTemplate_Container{Container: container},
	}
	_, err := flyteAdmin.CreateTask(ctx, &admin.TaskCreateRequest{Id: id, Spec: &admin.TaskSpec{Template: template}})
	return id, err
}

// StartExecution starts an execution of a task at any FlyteAdmin.
func StartExecution(ctx context.Context, flyteAdmin service.AdminServiceClient, task *core.Identifier, name string) error {
	_, err := flyteAdmin.CreateExecution(ctx, &admin.ExecutionCreateRequest{
		Project: task.GetProject(), Domain: task.GetDomain(), Name: name, Inputs: &core.LiteralMap{},
		Spec: &admin.ExecutionSpec{LaunchPlan: task, Metadata: &admin.ExecutionMetadata{Mode: admin.ExecutionMetadata_MANUAL}},
	})
	return err
}

// Kubectl runs kubectl in the cluster in which a real FlyteAdmin creates FlyteWorkflows, and returns what it prints.
func Kubectl(ctx context.Context, kubeconfig string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "kubectl", append([]string{"--kubeconfig", kubeconfig}, args...)...) //nolint:gosec // of tests
	output, err := command.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, exit.Stderr)
	}
	return output, err
}

// ExecutionResources returns the resources with which propeller runs an execution in that cluster; of the double, use
// [Server.ExecutionResources]. Namespaces must be mapped by flyte-{{ project }}.
func ExecutionResources(ctx context.Context, kubeconfig, project, name string) (*core.Resources, error) {
	output, err := Kubectl(ctx, kubeconfig, "get", "flyteworkflows.flyte.lyft.com", "-n", "flyte-"+project, name, "-o", "json")
	if err != nil {
		return nil, err
	}
	return WorkflowResources(output)
}

// WorkflowResources returns the resources of the only task in a FlyteWorkflow, which is JSON. A real FlyteAdmin creates one for every
// execution.
func WorkflowResources(flyteWorkflow []byte) (*core.Resources, error) {
	type entries []struct{ Name, Value string }
	var workflow struct {
		Tasks map[string]struct {
			Container struct {
				Resources struct{ Requests, Limits entries } `json:"resources"`
			} `json:"container"`
		} `json:"tasks"`
	}
	if err := json.Unmarshal(flyteWorkflow, &workflow); err != nil {
		return nil, fmt.Errorf("decoding the FlyteWorkflow: %w", err)
	}
	if len(workflow.Tasks) != 1 {
		return nil, fmt.Errorf("the FlyteWorkflow has %d tasks, want one: %s", len(workflow.Tasks), flyteWorkflow)
	}
	resources := &core.Resources{}
	toProto := func(all entries) (list []*core.Resources_ResourceEntry) {
		for _, entry := range all {
			name := core.Resources_ResourceName(core.Resources_ResourceName_value[entry.Name])
			list = append(list, &core.Resources_ResourceEntry{Name: name, Value: entry.Value})
		}
		return list
	}
	for _, task := range workflow.Tasks {
		resources.Requests = toProto(task.Container.Resources.Requests)
		resources.Limits = toProto(task.Container.Resources.Limits)
	}
	return resources, nil
}
