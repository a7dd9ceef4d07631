package lifecycle

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/internal/k8s"
)

const (
	chartFiles = "../../../charts/workspace-flyte-integration/files"
	// accountName is the ClusterRole and the ServiceAccount that the controllers of the tests run under.
	accountName      = "workspace-flyte-integration"
	accountNamespace = "platform-services"
	// purgeAccount has what the chart gives with the policy Delete.
	purgeAccount = accountName + "-purge"
)

// accounts are the rights that the chart gives with each policy.
var accounts = map[v1alpha1.DeletionPolicy]string{v1alpha1.DeletionArchive: accountName, v1alpha1.DeletionDelete: purgeAccount}

func TestMain(m *testing.M) {
	flag.Parse()
	ctrl.SetLogger(logr.Discard())
	code := m.Run()
	if shared != nil {
		shared.Stop()
	}
	os.Exit(code)
}

var (
	shared     *devcluster.Cluster
	sharedOnce sync.Once
)

// sharedCluster is one control plane for all tests, started with the first that needs it: with our CRDs, the tier
// standard, and the service's account under the rights that the chart gives it.
func sharedCluster(t testing.TB) *devcluster.Cluster {
	t.Helper()
	sharedOnce.Do(func() {
		cluster, err := devcluster.Start(context.Background(), devcluster.Options{Progress: t.Output()})
		must(t, err)
		defer func() {
			if shared == nil {
				cluster.Stop()
			}
		}()
		crds := envtest.CRDInstallOptions{
			Paths: []string{filepath.Join(chartFiles, "crds")}, ErrorIfPathMissing: true, MaxTime: 30 * time.Second,
		}
		_, err = envtest.InstallCRDs(cluster.Config(), crds)
		must(t, err)
		admin := adminOf(t, cluster)
		create(t, admin, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: accountNamespace}})
		create(t, admin, tier(v1alpha1.DefaultTier))
		for _, role := range v1alpha1.Roles() {
			create(t, admin, tenantRole(role))
		}
		addAccount(t, admin, accountName, chartRules(t, "role.yaml"))
		addAccount(t, admin, purgeAccount, append(chartRules(t, "role.yaml"), chartRules(t, "purge-role.yaml")...))
		shared = cluster
	})
	if shared == nil {
		t.Fatal("the shared control plane did not start")
	}
	return shared
}

// adminOf is the way of a cluster admin: somebody who may change anything by hand.
func adminOf(t testing.TB, cluster *devcluster.Cluster) client.Client {
	t.Helper()
	scheme, err := k8s.NewScheme()
	must(t, err)
	admin, err := client.New(cluster.Config(), client.Options{Scheme: scheme})
	must(t, err)
	return admin
}

// chartRules are the rights that the chart gives the service.
func chartRules(t testing.TB, file string) []rbacv1.PolicyRule {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chartFiles, file))
	must(t, err)
	var role rbacv1.ClusterRole
	must(t, yaml.UnmarshalStrict(text, &role))
	return role.Rules
}

// addAccount makes a ServiceAccount with a ClusterRole of its own.
func addAccount(t testing.TB, admin client.Client, name string, rules []rbacv1.PolicyRule) {
	t.Helper()
	create(t, admin, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules})
	create(t, admin, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: accountNamespace}})
	create(t, admin, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: name, Namespace: accountNamespace}},
	})
}

// configOf is the way of a ServiceAccount, with a token of its own.
func configOf(t testing.TB, admin client.Client, account string) *rest.Config {
	t.Helper()
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: account, Namespace: accountNamespace}}
	request := &authenticationv1.TokenRequest{}
	must(t, admin.SubResource("token").Create(t.Context(), sa, request))
	cfg := sharedCluster(t).Config()
	cfg.BearerToken = request.Status.Token
	return cfg
}

// tenantRole gives a member something that the service itself may not do, as the chart's roles do.
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
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	var last error
	for {
		err := condition(ctx)
		switch {
		case err == nil:
			return
		case last == nil || !errors.Is(err, context.DeadlineExceeded): // which says nothing
			last = err
		}
		select {
		case <-ctx.Done():
			t.Fatal(last)
		case <-ticker.C:
		}
	}
}
