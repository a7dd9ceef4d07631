package life

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/core"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/service"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/flytepods"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
)

// engine is a FlyteAdmin that starts executions: the double, or the real one of FLYTE_TEST_ENDPOINT, which creates FlyteWorkflows in the
// cluster of FLYTE_TEST_KUBECONFIG and maps namespaces by flyte-{{ project }}.
type engine struct {
	service.AdminServiceClient
	kubeconfig string
}

// flyteEngine has the project of a workspace, with the attributes that the service gave it.
func flyteEngine(t *testing.T, project string) engine {
	t.Helper()
	env := shared.Env()
	double := engine{AdminServiceClient: dialFlyte(t, env.Flyte.Addr())}
	endpoint, kubeconfig := os.Getenv("FLYTE_TEST_ENDPOINT"), os.Getenv("FLYTE_TEST_KUBECONFIG")
	if endpoint == "" || kubeconfig == "" {
		return double
	}
	stored, err := double.GetProjectDomainAttributes(t.Context(), &admin.ProjectDomainAttributesGetRequest{
		Project: project, Domain: "development", ResourceType: admin.MatchableResource_TASK_RESOURCE,
	})
	if err != nil {
		t.Fatal(err)
	}
	actual := engine{dialFlyte(t, endpoint), kubeconfig}
	_, err = actual.RegisterProject(t.Context(), &admin.ProjectRegisterRequest{Project: &admin.Project{Id: project, Name: project}})
	if err != nil && status.Code(err) != codes.AlreadyExists {
		t.Fatal(err)
	}
	_, err = actual.UpdateProjectAttributes(t.Context(), &admin.ProjectAttributesUpdateRequest{Attributes: &admin.ProjectAttributes{
		Project: project, MatchingAttributes: stored.GetAttributes().GetMatchingAttributes(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := flytetest.Kubectl(t.Context(), kubeconfig, "create", "namespace", "flyte-"+project); err != nil &&
		!strings.Contains(err.Error(), "AlreadyExists") {
		t.Fatal(err)
	}
	return actual
}

func dialFlyte(t *testing.T, endpoint string) service.AdminServiceClient {
	t.Helper()
	conn, err := grpc.NewClient(endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return service.NewAdminServiceClient(conn)
}

// register registers a container task that requests these resources.
func (e engine) register(t *testing.T, project string, requested *core.Resources) (*core.Identifier, error) {
	t.Helper()
	name := fmt.Sprintf("t%d", time.Now().UnixNano())
	return flytetest.RegisterTask(t.Context(), e, project, "development", name, requested)
}

// run starts an execution of the task and returns the resources that propeller gets for its container.
func (e engine) run(t *testing.T, task *core.Identifier) corev1.ResourceRequirements {
	t.Helper()
	if err := flytetest.StartExecution(t.Context(), e, task, task.GetName()); err != nil {
		t.Fatal(err)
	}
	resources := shared.Env().Flyte.ExecutionResources(task.GetProject(), task.GetDomain(), task.GetName())
	if e.kubeconfig != "" {
		var err error
		if resources, err = flytetest.ExecutionResources(t.Context(), e.kubeconfig, task.GetProject(), task.GetName()); err != nil {
			t.Fatal(err)
		}
	}
	return corev1.ResourceRequirements{Requests: listOf(resources.GetRequests()), Limits: listOf(resources.GetLimits())}
}

func listOf(entries []*core.Resources_ResourceEntry) corev1.ResourceList {
	list := corev1.ResourceList{}
	for _, entry := range entries {
		list[kubernetesName(entry.GetName().String())] = resource.MustParse(entry.GetValue())
	}
	return list
}

// kubernetesName follows ToK8sResourceList (flyteplugins/go/tasks/pluginmachinery/flytek8s/utils.go).
func kubernetesName(name string) corev1.ResourceName {
	return map[string]corev1.ResourceName{
		"CPU": corev1.ResourceCPU, "MEMORY": corev1.ResourceMemory, "GPU": "nvidia.com/gpu", "EPHEMERAL_STORAGE": corev1.ResourceEphemeralStorage,
	}[name]
}

// TestExecutionsCostTheQuota starts executions in a workspace of each tier that the chart ships. Their pods are admitted, and the quota
// counts them; explicit zeros, which it would not count, are refused.
func TestExecutionsCostTheQuota(t *testing.T) { //nolint:gocognit,tparallel // one sequence
	t.Parallel()
	env := shared.Env()
	awaitPolicies(t)
	pods := propeller(t)
	for tier, gpus := range map[string]string{"small": "2", "standard": "4", "large": "16"} {
		t.Run(tier, func(t *testing.T) {
			id := "sized-" + tier
			data := harness.Data(id, 1)
			data.Tier, data.Quota = tier, v1alpha1.Quota{}
			env.Create(t, data)
			awaitQuota(t, id)
			flyte := flyteEngine(t, id)

			task, err := flyte.register(t, id, nil)
			if err != nil {
				t.Fatal(err)
			}
			pod := flytepods.Task(id, "unsized")
			pod.Spec.Containers[0].Resources = flyte.run(t, task)
			t.Logf("a task that names no resources gets %v", pod.Spec.Containers[0].Resources)
			if err := pods.Create(t.Context(), pod); err != nil {
				t.Fatal(err)
			}
			harness.Eventually(t, "the quota to count the pod", func(ctx context.Context) bool {
				var quota corev1.ResourceQuota
				err := env.Admin.Get(ctx, client.ObjectKey{Namespace: "flyte-" + id, Name: "workspace-quota"}, &quota)
				used := quota.Status.Used
				return err == nil && used.Name("requests.cpu", resource.DecimalSI).String() == "250m" &&
					used.Name("limits.memory", resource.BinarySI).String() == "512Mi" &&
					used.Name("requests.ephemeral-storage", resource.BinarySI).String() == "1Gi"
			})

			for name, resources := range map[string]*core.Resources{
				"gpus":    {Requests: []*core.Resources_ResourceEntry{{Name: core.Resources_GPU, Value: gpus}}},
				"cpu":     {Requests: []*core.Resources_ResourceEntry{{Name: core.Resources_CPU, Value: "1000"}}},
				"storage": {Requests: []*core.Resources_ResourceEntry{{Name: core.Resources_EPHEMERAL_STORAGE, Value: "100Ti"}}},
			} {
				if _, err := flyte.register(t, id, resources); status.Code(err) != codes.InvalidArgument {
					t.Errorf("%s: a task above the quota is registered: %v", name, err)
				}
			}
			for name, resources := range zeros() {
				pod := flytepods.Task(id, "zero")
				pod.Spec.Containers[0].Resources = resources
				err := pods.Create(t.Context(), pod, client.DryRunAll)
				if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "minimum") {
					t.Errorf("%s: got %v, want a refusal by the minimum of the LimitRange", name, err)
				}
			}
		})
	}
}

// zeros are the ways to write an explicit zero into a container.
func zeros() map[string]corev1.ResourceRequirements {
	none := func(names ...corev1.ResourceName) corev1.ResourceList {
		list := corev1.ResourceList{}
		for _, name := range names {
			list[name] = resource.MustParse("0")
		}
		return list
	}
	all := none(corev1.ResourceCPU, corev1.ResourceMemory)
	return map[string]corev1.ResourceRequirements{
		"requests and limits": {Requests: all, Limits: all},
		"limits":              {Limits: all},
		"requests":            {Requests: all},
		"cpu":                 {Requests: none(corev1.ResourceCPU), Limits: none(corev1.ResourceCPU)},
		"ephemeral storage":   {Requests: none(corev1.ResourceEphemeralStorage), Limits: none(corev1.ResourceEphemeralStorage)},
	}
}
