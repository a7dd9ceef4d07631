package lifecycle

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func (s *stage) changeTier(name string, edit func(*v1alpha1.WorkspaceTierSpec)) {
	s.t.Helper()
	var own v1alpha1.WorkspaceTier
	must(s.t, s.admin.Get(s.t.Context(), client.ObjectKey{Name: name}, &own))
	before := own.DeepCopy()
	edit(&own.Spec)
	must(s.t, s.admin.Patch(s.t.Context(), &own, client.MergeFrom(before)))
}

func TestController_WaitsForTier(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	w := s.workspace("early")
	w.Spec.Tier = "late-tier"
	create(t, s.admin, w)
	got := s.await("early", v1alpha1.ConditionReady, v1alpha1.ReasonTierNotFound)
	want := []string{
		"NamespaceReady=False TierNotFound", "QuotaApplied=False TierNotFound", "AccessGranted=False WaitingForNamespace",
		"NetworkIsolated=False WaitingForNamespace", "FlyteProjectRegistered=False WaitingForNamespace",
		"Ready=False TierNotFound",
	}
	if diff := cmp.Diff(want, conditions(got)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if projects := s.flyte.Projects(); len(projects) > 0 {
		t.Errorf("Flyte has the projects %v", projects)
	}
	create(t, s.admin, tier("late-tier"))
	s.await("early", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}

func TestController_ChangedTierReachesItsWorkspaces(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	create(t, s.admin, tier("shared-tier"))
	ids := []string{"tiered-1", "tiered-2", "tiered-3"}
	for _, id := range ids {
		w := s.workspace(id)
		w.Spec.Tier = "shared-tier"
		create(t, s.admin, w)
	}
	for _, id := range ids {
		s.await(id, v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	}
	for _, id := range ids {
		s.counted("flyte-" + id) // what else is written to a quota makes the service read it and patch again
	}
	writes := s.requests.total()
	s.changeTier("shared-tier", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Quota.Default.Pods = "77"
		spec.PodSecurity.Enforce = v1alpha1.PodSecurityRestricted
	})
	for _, id := range ids {
		eventually(t, func(context.Context) error {
			if pods := s.pods("flyte-" + id); pods != "77" {
				return fmt.Errorf("the quota of %s allows %s pods", id, pods)
			}
			level := s.namespace("flyte-" + id).Labels["pod-security.kubernetes.io/enforce"]
			if level != "restricted" {
				return fmt.Errorf("Pod Security of %s is %s", id, level)
			}
			return nil
		})
		s.reconcile(id)
	}
	if n := s.requests.total() - writes; n != 2*len(ids) {
		t.Errorf("%d writes for two objects in each of %d namespaces: %v", n, len(ids), s.requests.writes())
	}
}

// counted waits until kube-controller-manager has counted what the namespace's quota is about.
func (s *stage) counted(namespace string) {
	s.t.Helper()
	eventually(s.t, func(ctx context.Context) error {
		var quota corev1.ResourceQuota
		err := s.mgr.GetCache().Get(ctx, client.ObjectKey{Namespace: namespace, Name: "workspace-quota"}, &quota)
		if err != nil {
			return err
		}
		live := quota.DeepCopy()
		if err := s.admin.Get(ctx, client.ObjectKeyFromObject(live), live); err != nil {
			return err
		}
		if !equality.Semantic.DeepEqual(live.Spec.Hard, live.Status.Hard) || live.ResourceVersion != quota.ResourceVersion {
			return fmt.Errorf("of %v, %v is counted; the cache shows %s of %s",
				live.Spec.Hard, live.Status.Hard, quota.ResourceVersion, live.ResourceVersion)
		}
		return nil
	})
}

func TestController_ClampsQuotaToLoweredMaximum(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	create(t, s.admin, tier("lowered-tier"))
	w := s.workspace("clamped")
	w.Spec.Tier = "lowered-tier"
	w.Spec.Quota.Pods = "300"
	create(t, s.admin, w)
	s.await("clamped", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	s.changeTier("lowered-tier", func(spec *v1alpha1.WorkspaceTierSpec) { spec.Quota.Maximum.Pods = "250" })
	got := s.await("clamped", v1alpha1.ConditionQuotaApplied, v1alpha1.ReasonQuotaClamped)
	want := []string{
		"NamespaceReady=True Applied", "QuotaApplied=True QuotaClamped", "AccessGranted=True Applied",
		"NetworkIsolated=True Applied", "FlyteProjectRegistered=True Applied", "Ready=True Ready",
	}
	if diff := cmp.Diff(want, conditions(got)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if pods := s.pods("flyte-clamped"); pods != "250" {
		t.Errorf("the quota allows %s pods", pods)
	}
}
