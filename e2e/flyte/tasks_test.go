package flyte

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/core"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/flyte/flytetest"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

const domain = "development"

// TestTasksOfAWorkspace: a webhook creates a workspace on the tier small; a task that names no resources runs in it as flyte-workload with
// the tier's defaults, inside the quota; one above the quota waits; while the workspace is suspended, Flyte refuses new executions, and
// running ones finish.
func TestTasksOfAWorkspace(t *testing.T) {
	s := start(t)
	id := fmt.Sprintf("e2e-%d", time.Now().Unix())
	s.deliver(t, workspace.EventCreated, workspace.Data{
		WorkspaceID: id, Version: 1, Name: id, Tier: "small", Quota: v1alpha1.Quota{Memory: "3Gi"},
	})
	s.awaitReady(t, id, v1alpha1.ReasonReady)

	first := s.execute(t, s.register(t, id, nil))
	pod := s.podOf(t, id, first)
	if account := pod.Spec.ServiceAccountName; account != "flyte-workload" {
		t.Errorf("its pod runs as %s", account)
	}
	want := corev1.ResourceRequirements{Requests: sized("1Gi"), Limits: sized("20Gi")} // Flyte limits CPU and memory, the LimitRange disk
	if got := pod.Spec.Containers[0].Resources; !equality.Semantic.DeepEqual(got, want) {
		t.Errorf("its resources differ (-want +got):\n%s", cmp.Diff(want, got))
	}
	s.awaitPhase(t, id, first, core.WorkflowExecution_SUCCEEDED)

	half := []*core.Resources_ResourceEntry{{Name: core.Resources_MEMORY, Value: "2Gi"}}
	large := &core.Resources{Requests: half, Limits: half}
	task := s.register(t, id, large)
	second := s.execute(t, task)
	s.podOf(t, id, second)
	third := s.execute(t, task) // 2 × 2Gi are more than 3Gi
	s.awaitPhase(t, id, third, core.WorkflowExecution_RUNNING)
	if pods := s.pods(t, id, third); len(pods) != 0 {
		t.Errorf("the quota admits %d pods of the third task", len(pods))
	}
	s.awaitPhase(t, id, second, core.WorkflowExecution_SUCCEEDED)
	s.podOf(t, id, third)

	s.deliver(t, workspace.EventSuspended, workspace.Data{WorkspaceID: id, Version: 2})
	s.awaitReady(t, id, v1alpha1.ReasonSuspended)
	if err := flytetest.StartExecution(t.Context(), s.flyte, task, "late"); err == nil || !strings.Contains(err.Error(), "not active") {
		t.Errorf("an execution in a suspended workspace: %v", err)
	}
	s.awaitPhase(t, id, third, core.WorkflowExecution_SUCCEEDED)
}

// sized are the tier's defaults, and this amount of ephemeral storage.
func sized(storage string) corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("250m"), corev1.ResourceMemory: resource.MustParse("512Mi"),
		corev1.ResourceEphemeralStorage: resource.MustParse(storage),
	}
}

func (s *suite) deliver(t *testing.T, kind workspace.EventType, data workspace.Data) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), *harness.Patience)
	defer cancel()
	_, err := s.service.Deliver(ctx, harness.NewMessage(t, kind, data))
	harness.Must(t, err)
}

func (s *suite) awaitReady(t *testing.T, id, reason string) {
	t.Helper()
	var w v1alpha1.Workspace
	s.eventually(t, id+" to be "+reason, func(ctx context.Context) bool {
		return s.admin.Get(ctx, harness.Key(id), &w) == nil && harness.Ready(&w).Reason == reason
	})
}

// register registers a task that takes ten seconds.
func (s *suite) register(t *testing.T, project string, resources *core.Resources) *core.Identifier {
	t.Helper()
	container := &core.Container{Image: s.image, Command: []string{"sh", "-c", "sleep 10"}, Resources: resources}
	task, err := flytetest.RegisterContainer(t.Context(), s.flyte, project, domain, fmt.Sprintf("t%d", time.Now().UnixNano()), container)
	harness.Must(t, err)
	return task
}

// execute starts an execution of the task and returns its name.
func (s *suite) execute(t *testing.T, task *core.Identifier) string {
	t.Helper()
	name := fmt.Sprintf("e%d", time.Now().UnixNano())
	harness.Must(t, flytetest.StartExecution(t.Context(), s.flyte, task, name))
	return name
}

func (s *suite) pods(t *testing.T, id, execution string) []corev1.Pod {
	t.Helper()
	var pods corev1.PodList
	harness.Must(t, s.admin.List(t.Context(), &pods, client.InNamespace("flyte-"+id), client.MatchingLabels{"execution-id": execution}))
	return pods.Items
}

// podOf waits until propeller has created the pod of the execution.
func (s *suite) podOf(t *testing.T, id, execution string) *corev1.Pod {
	t.Helper()
	var pods []corev1.Pod
	s.eventually(t, "a pod of "+execution, func(context.Context) bool {
		pods = s.pods(t, id, execution)
		return len(pods) > 0
	})
	return &pods[0]
}

func (s *suite) awaitPhase(t *testing.T, project, execution string, phase core.WorkflowExecution_Phase) {
	t.Helper()
	s.eventually(t, execution+" to be "+phase.String(), func(ctx context.Context) bool {
		got, err := s.flyte.GetExecution(ctx, &admin.WorkflowExecutionGetRequest{
			Id: &core.WorkflowExecutionIdentifier{Project: project, Domain: domain, Name: execution},
		})
		if failure := got.GetClosure().GetError(); failure != nil {
			t.Fatalf("%s failed: %s", execution, failure.GetMessage())
		}
		return err == nil && got.GetClosure().GetPhase() == phase
	})
}
