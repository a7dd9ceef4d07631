package lifecycle

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// flyteTier is a tier with attributes of all kinds, for one test.
func (s *stage) flyteTier(name string) *v1alpha1.WorkspaceTier {
	s.t.Helper()
	made := tier(name)
	made.Spec.Flyte.FlyteAttributes = v1alpha1.FlyteAttributes{
		Execution: &v1alpha1.FlyteExecution{RawOutputPrefix: "s3://bucket/{project}", MaxParallelism: 10},
		TaskResources: &v1alpha1.FlyteTaskResources{
			Defaults: v1alpha1.FlyteResources{CPU: "500m", Memory: "1Gi"}, Limits: v1alpha1.FlyteResources{CPU: "16", Memory: "64Gi"},
		},
		ClusterResources: map[string]v1alpha1.ClusterResourceValue{"projectQuotaCpu": "{cpu}", "projectQuotaMemory": "{memory}"},
	}
	create(s.t, s.admin, made)
	s.t.Cleanup(func() { must(s.t, client.IgnoreNotFound(s.admin.Delete(context.Background(), made))) })
	return made
}

// awaitAttributes waits until the attributes of a kind are these, in these places.
func (s *stage) awaitAttributes(id string, kind admin.MatchableResource, want map[string]string) {
	s.t.Helper()
	eventually(s.t, func(context.Context) error {
		got := map[string]string{}
		for place, attributes := range s.flyte.Attributes(id, kind) {
			got[place] = brief(attributes)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return errors.New(diff)
		}
		return nil
	})
}

// brief says what matters of attributes.
func brief(a *admin.MatchingAttributes) string {
	limits := a.GetTaskResourceAttributes().GetLimits()
	config := a.GetWorkflowExecutionConfig()
	cluster := a.GetClusterResourceAttributes().GetAttributes()
	return strings.Join(slices.DeleteFunc([]string{
		limits.GetCpu(), limits.GetMemory(), limits.GetGpu(),
		config.GetSecurityContext().GetRunAs().GetK8SServiceAccount(), config.GetRawOutputDataConfig().GetOutputLocationPrefix(),
		config.GetLabels().GetValues()[v1alpha1.LabelWorkspace], cluster["projectQuotaCpu"], cluster["projectQuotaMemory"],
	}, func(text string) bool { return text == "" }), " ")
}

func TestController_GivesAttributesOfTheTier(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	made := s.flyteTier("attributed")
	w := s.workspace("attributed")
	w.Spec.Tier, w.Spec.Quota.CPU = "attributed", "8" // below the limit that the tier gives a task
	create(t, s.admin, w)
	s.await("attributed", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	s.awaitAttributes("attributed", admin.MatchableResource_TASK_RESOURCE, map[string]string{"": "7999m 64Gi 3"})
	s.awaitAttributes("attributed", admin.MatchableResource_CLUSTER_RESOURCE, map[string]string{"": "8 160Gi"})
	s.awaitAttributes("attributed", admin.MatchableResource_WORKFLOW_EXECUTION_CONFIG,
		map[string]string{"": "flyte-workload s3://bucket/attributed attributed"})

	calls := s.flyte.Calls()
	s.reconcile("attributed")
	if diff := cmp.Diff(calls, s.flyte.Calls()); diff != "" {
		t.Errorf("with nothing changed, calls (-want +got):\n%s", diff)
	}
	// The tier changes while the workspace sleeps: what an archived project has can't be changed.
	s.setState("attributed", v1alpha1.StateSuspended)
	s.await("attributed", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	before := made.DeepCopy()
	made.Spec.Flyte.TaskResources = nil
	made.Spec.Flyte.Domains = map[string]v1alpha1.FlyteAttributes{"production": {Execution: &v1alpha1.FlyteExecution{}}}
	must(t, s.admin.Patch(t.Context(), made, client.MergeFrom(before)))
	s.setState("attributed", v1alpha1.StateActive)
	s.await("attributed", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	s.awaitAttributes("attributed", admin.MatchableResource_TASK_RESOURCE, map[string]string{})
	s.awaitAttributes("attributed", admin.MatchableResource_WORKFLOW_EXECUTION_CONFIG, map[string]string{
		"": "flyte-workload s3://bucket/attributed attributed", "production": "flyte-workload attributed",
	})
}

// TestController_LeavesAttributesOfOthersAlone: a tier that never gave any has none to take.
func TestController_LeavesAttributesOfOthersAlone(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.provisioned("unattributed")
	theirs := &admin.MatchingAttributes{Target: &admin.MatchingAttributes_ClusterResourceAttributes{
		ClusterResourceAttributes: &admin.ClusterResourceAttributes{Attributes: map[string]string{"projectQuotaCpu": "1"}},
	}}
	_, err := s.flyteAdmin().UpdateProjectAttributes(t.Context(), &admin.ProjectAttributesUpdateRequest{
		Attributes: &admin.ProjectAttributes{Project: "unattributed", MatchingAttributes: theirs},
	})
	must(t, err)
	must(t, s.controller.findChangedProjects(t.Context()))
	s.change("unattributed", func(w *v1alpha1.Workspace) { w.Spec.Description = "Another" })
	s.await("unattributed", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	s.awaitAttributes("unattributed", admin.MatchableResource_CLUSTER_RESOURCE, map[string]string{"": "1"})
}

func TestWorkspaceTier_RefusesTasksAsLargeAsTheQuota(t *testing.T) {
	t.Parallel()
	c := asAdmin(t)
	for name, limits := range map[string]v1alpha1.FlyteResources{"cpu": {CPU: "40000m"}, "memory": {Memory: "160Gi"}} {
		made := tier("refused-" + name)
		made.Spec.Flyte.TaskResources = &v1alpha1.FlyteTaskResources{Limits: limits}
		if err := c.Create(t.Context(), made); err == nil || !strings.Contains(err.Error(), "must be below the default quota") {
			t.Errorf("%s: %v", name, err)
		}
		made.Spec.Quota.Default, made.Spec.LimitRange.Max = v1alpha1.TierAmounts{}, v1alpha1.ComputeResources{CPU: "40", Memory: "160Gi"}
		if err := c.Create(t.Context(), made); err == nil || !strings.Contains(err.Error(), "must be below the maximum of the limit range") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
