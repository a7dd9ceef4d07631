package lifecycle

import (
	"context"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster/clustertest"
	"platform.company.com/workspace-flyte-integration/internal/kueue/kueuetest"
)

// purgeAccount has the rights of the chart for the policy Delete.
const purgeAccount = clustertest.Account + "-purge"

// queuesAccount has the rights of the chart with queues.enabled, and for the policy Delete.
const queuesAccount = clustertest.Account + "-queues"

// accounts are the ServiceAccounts with the rights of the chart for each policy.
var accounts = map[v1alpha1.DeletionPolicy]string{
	v1alpha1.DeletionArchive: clustertest.Account, v1alpha1.DeletionDelete: purgeAccount,
}

func TestMain(m *testing.M) { shared.Main(m) }

// shared is a cluster with the tier standard, the tenants' roles and the accounts of the controllers.
var shared = clustertest.Shared{Prepare: func(t testing.TB, admin client.Client, cfg *rest.Config) {
	t.Helper()
	create(t, admin, tier(v1alpha1.DefaultTier))
	for _, role := range v1alpha1.Roles() {
		create(t, admin, tenantRole(role))
	}
	rules := clustertest.ChartRules(t, "role.yaml")
	clustertest.AddAccount(t, admin, clustertest.Account, rules)
	kueuetest.Install(t, cfg)
	clustertest.AddAccount(t, admin, queuesAccount, append(rules, append(clustertest.ChartRules(t, "queues-role.yaml"),
		clustertest.ChartRules(t, "purge-role.yaml")...)...))
	clustertest.AddAccount(t, admin, objectsAccount, append(rules, objectRules()...))
	clustertest.AddAccount(t, admin, purgeAccount, append(rules, clustertest.ChartRules(t, "purge-role.yaml")...))
}}

// tenantRole has a right that the service itself does not have, as the chart's roles do.
func tenantRole(role v1alpha1.Role) *rbacv1.ClusterRole {
	return &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "workspace-flyte-integration-tenant-" + string(role)},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get", "list"}}},
	}
}

func tier(name string) *v1alpha1.WorkspaceTier {
	return &v1alpha1.WorkspaceTier{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.WorkspaceTierSpec{
			Quota: v1alpha1.TierQuota{
				Default: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{CPU: "40", Memory: "160Gi", GPU: "4", Storage: "1Ti", Pods: "200"}},
				Maximum: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{CPU: "80", Memory: "320Gi", GPU: "8", Storage: "2Ti", Pods: "400"}},
			},
			LimitRange: v1alpha1.LimitRange{
				Default:        v1alpha1.ComputeResources{CPU: "1", Memory: "2Gi"},
				DefaultRequest: v1alpha1.ComputeResources{CPU: "250m", Memory: "512Mi"},
			},
		},
	}
}

func create(t testing.TB, c client.Client, o client.Object) {
	t.Helper()
	must(t, c.Create(t.Context(), o))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually polls until condition returns nil.
func eventually(t testing.TB, condition func(context.Context) error) {
	t.Helper()
	clustertest.Eventually(t, condition)
}
