package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

const (
	workloadBinding = "RoleBinding/workspace-workload"
	podTemplate     = "PodTemplate/workspace-pod-template"
)

// awaitWorkloadRole waits until the workload's ServiceAccount has this ClusterRole.
func (env *testEnv) awaitWorkloadRole(namespace, role string) {
	env.t.Helper()
	eventually(env.t, func(context.Context) error {
		o, err := env.object(namespace, workloadBinding)
		if err != nil {
			return err
		}
		subjects, _, _ := unstructured.NestedSlice(o.Object, "subjects")
		want := []any{map[string]any{"kind": "ServiceAccount", "name": "flyte-workload", "namespace": namespace}}
		have, _, _ := unstructured.NestedString(o.Object, "roleRef", "name")
		if have != role || !cmp.Equal(want, subjects) {
			return fmt.Errorf("the ClusterRole is %s for %v, want %s", have, subjects, role)
		}
		return nil
	})
}

func TestController_AppliesTierWorkload(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisionedOnTier("workload", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Workload.Role = v1alpha1.WorkloadSpark
		spec.Workload.PodTemplate = &v1alpha1.TierPodTemplate{
			NodeSelector: map[string]v1alpha1.LabelValue{"pool": "batch"}, Restricted: true, RunAsUser: new(int64(1000)),
		}
	})
	const namespace = "flyte-workload"
	env.awaitWorkloadRole(namespace, "workspace-flyte-integration-workload-spark")
	for _, d := range []drift{
		{podTemplate, "another user", set(int64(2000), "template", "spec", "securityContext", "runAsUser")},
		{podTemplate, "node selector removed", remove("template", "spec", "nodeSelector")},
		{podTemplate, "host network added", set(true, "template", "spec", "hostNetwork")},
		{podTemplate, "annotation added", set("x", "template", "metadata", "annotations", "added")},
		{podTemplate, "label removed", dropLabel(v1alpha1.LabelManagedBy)},
		{workloadBinding, "subject added", set([]any{map[string]any{
			"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "eve@company.com",
		}}, "subjects")},
	} {
		before, drifted := env.applyDrift(namespace, d)
		env.awaitRepaired(namespace, before, d.object, drifted)
	}
	for _, object := range []string{podTemplate, workloadBinding} {
		before, err := env.object(namespace, object)
		must(t, err)
		must(t, env.admin.Delete(t.Context(), before.DeepCopy()))
		env.awaitRepaired(namespace, before, object, before.GetResourceVersion())
	}
	writes := env.requests.total()
	env.reconcile("workload")
	if n := env.requests.total() - writes; n != 0 {
		t.Errorf("%d writes at rest: %v", n, env.requests.writes())
	}

	env.changeTier("workload-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Workload.Role = v1alpha1.WorkloadRay })
	env.awaitWorkloadRole(namespace, "workspace-flyte-integration-workload-ray")
	env.setState("workload", v1alpha1.StateSuspended) // running pods finish
	env.await("workload", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	env.awaitWorkloadRole(namespace, "workspace-flyte-integration-workload-ray")
	env.changeTier("workload-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Workload = v1alpha1.TierWorkload{} })
	eventually(t, func(context.Context) error {
		names := env.childNames(namespace)
		if slices.Contains(names, podTemplate) || slices.Contains(names, workloadBinding) {
			return fmt.Errorf("the workload's objects are not pruned: %v", names)
		}
		return nil
	})
}

func TestController_ReportsPullSecretsNotCopied(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.createOnTier("unpulled", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Workload.ImagePullSecrets = []string{"registry"} })
	w := env.await("unpulled", v1alpha1.ConditionReady, v1alpha1.ReasonPullSecretNotFound)
	want := []string{
		"NamespaceReady=False PullSecretNotFound", "QuotaApplied=True Applied", "AccessGranted=True Applied",
		"NetworkIsolated=True Applied", "FlyteProjectRegistered=True Applied", "Ready=False PullSecretNotFound",
	}
	if diff := cmp.Diff(want, conditions(w)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	const message = "the tier unpulled-tier names pull secrets, and PULL_SECRETS_NAMESPACE is not set"
	if c := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionNamespaceReady); c.Message != message {
		t.Errorf("the message is %q", c.Message)
	}
	env.changeTier("unpulled-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Workload.ImagePullSecrets = nil })
	env.await("unpulled", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// Deleting a tier does not prune the workload's objects.
func TestController_KeepsWorkloadOfDeletedTier(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envOptions{})
	env.provisionedOnTier("vanishing", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Workload.Role = v1alpha1.WorkloadDask })
	env.applyDrift("flyte-vanishing", drift{object: "ServiceAccount/flyte-workload", change: func(o *unstructured.Unstructured) {
		set([]any{map[string]any{"name": "foreign"}}, "imagePullSecrets")(o)
	}})
	must(t, env.admin.Delete(t.Context(), tier("vanishing-tier")))
	env.await("vanishing", v1alpha1.ConditionReady, v1alpha1.ReasonTierNotFound)
	env.awaitWorkloadRole("flyte-vanishing", "workspace-flyte-integration-workload-dask")
	account, err := env.object("flyte-vanishing", "ServiceAccount/flyte-workload")
	must(t, err)
	if secrets, _, _ := unstructured.NestedSlice(account.Object, "imagePullSecrets"); len(secrets) != 1 {
		t.Error("the foreign pull secret is gone")
	}
}
