package lifecycle

import (
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
)

func TestController_NamesMissingRight(t *testing.T) {
	t.Parallel()
	const account = "account-without-bind"
	binds := func(r rbacv1.PolicyRule) bool { return slices.Contains(r.Verbs, "bind") }
	without := slices.DeleteFunc(clustertest.ChartRules(t, "role.yaml"), binds)
	clustertest.AddAccount(t, asAdmin(t), account, without)
	s := newStage(t, stageOptions{account: account})
	create(t, s.admin, s.workspace("powerless"))
	w := s.await("powerless", v1alpha1.ConditionAccessGranted, v1alpha1.ReasonForbidden)
	message := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionAccessGranted).Message
	const want = `applying RoleBinding "workspace-admin" in namespace "flyte-powerless": `
	if !strings.HasPrefix(message, want) || strings.ContainsAny(message, "\n\t") || len(message) > maxMessage {
		t.Errorf("the message is not readable: %q", message)
	}
	for _, condition := range []string{
		v1alpha1.ConditionNamespaceReady, v1alpha1.ConditionQuotaApplied, v1alpha1.ConditionNetworkIsolated,
		v1alpha1.ConditionFlyteProjectRegistered,
	} {
		s.await("powerless", condition, v1alpha1.ReasonApplied)
	}
	var role rbacv1.ClusterRole
	must(t, s.admin.Get(t.Context(), client.ObjectKey{Name: account}, &role))
	role.Rules = clustertest.ChartRules(t, "role.yaml")
	must(t, s.admin.Update(t.Context(), &role))
	s.await("powerless", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
}
