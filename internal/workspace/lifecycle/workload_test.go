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

// onTier is a Ready workspace on a tier of its own.
func (s *stage) onTier(id string, edit func(*v1alpha1.WorkspaceTierSpec)) {
	s.t.Helper()
	own := tier(id)
	edit(&own.Spec)
	create(s.t, s.admin, own)
	w := s.workspace(id)
	w.Spec.Tier = id
	create(s.t, s.admin, w)
}

// bound waits until the workload has this role.
func (s *stage) bound(namespace, role string) {
	s.t.Helper()
	eventually(s.t, func(context.Context) error {
		o, err := s.object(namespace, workloadBinding)
		if err != nil {
			return err
		}
		subjects, _, _ := unstructured.NestedSlice(o.Object, "subjects")
		want := []any{map[string]any{"kind": "ServiceAccount", "name": "flyte-workload", "namespace": namespace}}
		have, _, _ := unstructured.NestedString(o.Object, "roleRef", "name")
		if have != role || !cmp.Equal(want, subjects) {
			return fmt.Errorf("%s is bound to %v, not %s", have, subjects, role)
		}
		return nil
	})
}

func TestController_GivesTheWorkloadWhatItsTierSays(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.onTier("workload", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Workload.Role = v1alpha1.WorkloadSpark
		spec.Workload.PodTemplate = &v1alpha1.TierPodTemplate{
			NodeSelector: map[string]v1alpha1.LabelValue{"pool": "batch"}, Restricted: true, RunAsUser: new(int64(1000)),
		}
	})
	s.await("workload", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	const namespace = "flyte-workload"
	s.bound(namespace, "workspace-flyte-integration-workload-spark")
	for _, d := range []drift{
		{podTemplate, "another user", set(int64(2000), "template", "spec", "securityContext", "runAsUser")},
		{podTemplate, "node selector removed", remove("template", "spec", "nodeSelector")},
		{podTemplate, "host network added", set(true, "template", "spec", "hostNetwork")},
		{podTemplate, "annotation added", set("x", "template", "metadata", "annotations", "added")},
		{podTemplate, "label taken away", dropLabel(v1alpha1.LabelManagedBy)},
		{workloadBinding, "subject added", set([]any{map[string]any{
			"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "eve@company.com",
		}}, "subjects")},
	} {
		before, altered := s.alter(namespace, d)
		s.repaired(namespace, before, d.object, altered)
	}
	for _, object := range []string{podTemplate, workloadBinding} {
		before, err := s.object(namespace, object)
		must(t, err)
		must(t, s.admin.Delete(t.Context(), before.DeepCopy()))
		s.repaired(namespace, before, object, before.GetResourceVersion())
	}
	writes := s.requests.total()
	s.reconcile("workload")
	if n := s.requests.total() - writes; n != 0 {
		t.Errorf("%d writes at rest: %v", n, s.requests.writes())
	}

	s.changeTier("workload", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Workload.Role = v1alpha1.WorkloadRay })
	s.bound(namespace, "workspace-flyte-integration-workload-ray")
	s.setState("workload", v1alpha1.StateSuspended) // running pods finish
	s.await("workload", v1alpha1.ConditionReady, v1alpha1.ReasonSuspended)
	s.bound(namespace, "workspace-flyte-integration-workload-ray")
	s.changeTier("workload", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Workload = v1alpha1.TierWorkload{} })
	eventually(t, func(context.Context) error {
		names := s.childNames(namespace)
		if slices.Contains(names, podTemplate) || slices.Contains(names, workloadBinding) {
			return fmt.Errorf("there is still something of %v", names)
		}
		return nil
	})
}

func TestController_SaysThatPullSecretsAreNotCopied(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.onTier("unpulled", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Workload.ImagePullSecrets = []string{"registry"} })
	w := s.await("unpulled", v1alpha1.ConditionReady, v1alpha1.ReasonPullSecretNotFound)
	want := []string{
		"NamespaceReady=False PullSecretNotFound", "QuotaApplied=True Applied", "AccessGranted=True Applied",
		"NetworkIsolated=True Applied", "FlyteProjectRegistered=True Applied", "Ready=False PullSecretNotFound",
	}
	if diff := cmp.Diff(want, conditions(w)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	const message = "the tier unpulled names pull secrets, and PULL_SECRETS_NAMESPACE is not set"
	if c := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionNamespaceReady); c.Message != message {
		t.Errorf("the message is %q", c.Message)
	}
	s.changeTier("unpulled", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Workload.ImagePullSecrets = nil })
	s.await("unpulled", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

// A tier that is gone takes nothing away from pods.
func TestController_KeepsTheWorkloadOfAVanishedTier(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.onTier("vanishing", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Workload.Role = v1alpha1.WorkloadDask })
	s.await("vanishing", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	s.alter("flyte-vanishing", drift{object: "ServiceAccount/flyte-workload", change: func(o *unstructured.Unstructured) {
		set([]any{map[string]any{"name": "theirs"}}, "imagePullSecrets")(o)
	}})
	must(t, s.admin.Delete(t.Context(), tier("vanishing")))
	s.await("vanishing", v1alpha1.ConditionReady, v1alpha1.ReasonTierNotFound)
	s.bound("flyte-vanishing", "workspace-flyte-integration-workload-dask")
	account, err := s.object("flyte-vanishing", "ServiceAccount/flyte-workload")
	must(t, err)
	if secrets, _, _ := unstructured.NestedSlice(account.Object, "imagePullSecrets"); len(secrets) != 1 {
		t.Error("the pull secret of somebody else is gone")
	}
}
