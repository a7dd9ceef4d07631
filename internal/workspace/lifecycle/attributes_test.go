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

// createFlyteTier creates a tier with attributes of all kinds, and deletes it when the test ends.
func (env *testEnv) createFlyteTier(name string) *v1alpha1.WorkspaceTier {
	env.t.Helper()
	created := tier(name)
	created.Spec.Flyte.FlyteAttributes = v1alpha1.FlyteAttributes{
		Execution: &v1alpha1.FlyteExecution{RawOutputPrefix: "s3://bucket/{project}", MaxParallelism: 10},
		TaskResources: &v1alpha1.FlyteTaskResources{
			Defaults: v1alpha1.FlyteResources{CPU: "500m", Memory: "1Gi"}, Limits: v1alpha1.FlyteResources{CPU: "16", Memory: "64Gi"},
		},
		ClusterResources: map[string]v1alpha1.ClusterResourceValue{"projectQuotaCpu": "{cpu}", "projectQuotaMemory": "{memory}"},
	}
	create(env.t, env.admin, created)
	env.t.Cleanup(func() { must(env.t, client.IgnoreNotFound(env.admin.Delete(context.Background(), created))) })
	return created
}

// awaitAttributes waits until Flyte has exactly these attributes of a kind, by domain.
func (env *testEnv) awaitAttributes(id string, kind admin.MatchableResource, want map[string]string) {
	env.t.Helper()
	eventually(env.t, func(context.Context) error {
		got := map[string]string{}
		for place, attributes := range env.flyte.Attributes(id, kind) {
			got[place] = summary(attributes)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return errors.New(diff)
		}
		return nil
	})
}

// summary joins the values of attributes that the tests compare.
func summary(a *admin.MatchingAttributes) string {
	limits := a.GetTaskResourceAttributes().GetLimits()
	config := a.GetWorkflowExecutionConfig()
	cluster := a.GetClusterResourceAttributes().GetAttributes()
	return strings.Join(slices.DeleteFunc([]string{
		limits.GetCpu(), limits.GetMemory(), limits.GetGpu(),
		config.GetSecurityContext().GetRunAs().GetK8SServiceAccount(), config.GetRawOutputDataConfig().GetOutputLocationPrefix(),
		config.GetLabels().GetValues()[v1alpha1.LabelWorkspace], cluster["projectQuotaCpu"], cluster["projectQuotaMemory"],
	}, func(text string) bool { return text == "" }), " ")
}

func TestController_AppliesTierAttributes(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	created := env.createFlyteTier("attributed")
	w := env.workspace("attributed")
	w.Spec.Tier, w.Spec.Quota.CPU = "attributed", "8" // below the tier's task limit
	create(t, env.admin, w)
	env.await("attributed", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	env.awaitAttributes("attributed", admin.MatchableResource_TASK_RESOURCE, map[string]string{"": "7999m 64Gi 3"})
	env.awaitAttributes("attributed", admin.MatchableResource_CLUSTER_RESOURCE, map[string]string{"": "8 160Gi"})
	env.awaitAttributes("attributed", admin.MatchableResource_WORKFLOW_EXECUTION_CONFIG,
		map[string]string{"": "flyte-workload s3://bucket/attributed attributed"})

	calls := env.flyte.Calls()
	env.reconcile("attributed")
	if diff := cmp.Diff(calls, env.flyte.Calls()); diff != "" {
		t.Errorf("with nothing changed, calls (-want +got):\n%s", diff)
	}
	// Attributes of an archived project can't be changed, so a tier change takes effect on resumption.
	env.setState("attributed", v1alpha1.StateSuspended)
	env.await("attributed", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	before := created.DeepCopy()
	created.Spec.Flyte.TaskResources = nil
	created.Spec.Flyte.Domains = map[string]v1alpha1.FlyteAttributes{"production": {Execution: &v1alpha1.FlyteExecution{}}}
	must(t, env.admin.Patch(t.Context(), created, client.MergeFrom(before)))
	env.setState("attributed", v1alpha1.StateActive)
	env.await("attributed", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	env.awaitAttributes("attributed", admin.MatchableResource_TASK_RESOURCE, map[string]string{})
	env.awaitAttributes("attributed", admin.MatchableResource_WORKFLOW_EXECUTION_CONFIG, map[string]string{
		"": "flyte-workload s3://bucket/attributed attributed", "production": "flyte-workload attributed",
	})
}

// If a tier never had attributes, the controller removes none.
func TestController_KeepsForeignAttributes(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisioned("unattributed")
	foreign := &admin.MatchingAttributes{Target: &admin.MatchingAttributes_ClusterResourceAttributes{
		ClusterResourceAttributes: &admin.ClusterResourceAttributes{Attributes: map[string]string{"projectQuotaCpu": "1"}},
	}}
	_, err := env.flyteAdmin().UpdateProjectAttributes(t.Context(), &admin.ProjectAttributesUpdateRequest{
		Attributes: &admin.ProjectAttributes{Project: "unattributed", MatchingAttributes: foreign},
	})
	must(t, err)
	must(t, env.controller.findChangedProjects(t.Context()))
	env.update("unattributed", func(w *v1alpha1.Workspace) { w.Spec.Description = "Another" })
	env.await("unattributed", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	env.awaitAttributes("unattributed", admin.MatchableResource_CLUSTER_RESOURCE, map[string]string{"": "1"})
}

func TestWorkspaceTier_RejectsTaskLimitsOfWholeQuota(t *testing.T) {
	t.Parallel()
	c := shared.Admin(t)
	for name, limits := range map[string]v1alpha1.FlyteResources{"cpu": {CPU: "40000m"}, "memory": {Memory: "160Gi"}} {
		created := tier("refused-" + name)
		created.Spec.Flyte.TaskResources = &v1alpha1.FlyteTaskResources{Limits: limits}
		if err := c.Create(t.Context(), created); err == nil || !strings.Contains(err.Error(), "must be below the default quota") {
			t.Errorf("%s: %v", name, err)
		}
		created.Spec.Quota.Default, created.Spec.LimitRange.Max = v1alpha1.TierAmounts{}, v1alpha1.ComputeResources{CPU: "40", Memory: "160Gi"}
		if err := c.Create(t.Context(), created); err == nil || !strings.Contains(err.Error(), "must be below the maximum of the limit range") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
