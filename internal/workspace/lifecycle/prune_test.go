package lifecycle

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// What limits a namespace under another version goes only when this one's limits are there; what grants goes at once.
func TestController_PrunesWhatHasBeenReplaced(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.onTierOf("renamed", func(*v1alpha1.WorkspaceTierSpec) {})
	must(t, s.admin.Delete(t.Context(), tier("renamed-tier"))) // whose limits nobody knows then
	s.await("renamed", v1alpha1.ConditionQuotaApplied, v1alpha1.ReasonTierNotFound)

	meta := metav1.ObjectMeta{Namespace: "flyte-renamed", Name: "old", Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}}
	quota := &corev1.ResourceQuota{ObjectMeta: meta}
	binding := &rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"}}
	for _, o := range []client.Object{quota, binding} {
		must(t, s.admin.Create(t.Context(), o, client.FieldOwner(v1alpha1.ManagedBy)))
	}
	s.awaitGone(binding)
	s.reconcile("renamed")
	must(t, s.admin.Get(t.Context(), client.ObjectKeyFromObject(quota), quota))

	create(t, s.admin, tier("renamed-tier"))
	s.await("renamed", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	s.awaitGone(quota)
}
