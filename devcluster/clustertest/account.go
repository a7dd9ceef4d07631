package clustertest

import (
	"os"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/devcluster"
)

const (
	// Account is the name of the service's account and field manager.
	Account = "workspace-flyte-integration"
	// Namespace is the namespace of the account.
	Namespace = "platform-services"
)

// ChartRules returns the rules of a ClusterRole or Role in the chart's files/.
func ChartRules(t testing.TB, file string) []rbacv1.PolicyRule {
	t.Helper()
	text, err := os.ReadFile(chartFile(t, "files/"+file))
	Must(t, err)
	var role rbacv1.ClusterRole
	Must(t, yaml.UnmarshalStrict(text, &role))
	return role.Rules
}

// AddAccount creates a ServiceAccount in [Namespace] with these rules as its ClusterRole, and the chart's Role in the namespace default.
func AddAccount(t testing.TB, admin client.Client, name string, rules []rbacv1.PolicyRule) {
	t.Helper()
	home := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace}}
	Must(t, client.IgnoreAlreadyExists(admin.Create(t.Context(), home)))
	subjects := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: name, Namespace: Namespace}}
	inDefault := metav1.ObjectMeta{Name: name, Namespace: metav1.NamespaceDefault}
	for _, o := range []client.Object{
		&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules},
		&rbacv1.Role{ObjectMeta: inDefault, Rules: ChartRules(t, "api-server-role.yaml")},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: Namespace}},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name}, Subjects: subjects,
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		},
		&rbacv1.RoleBinding{
			ObjectMeta: inDefault, Subjects: subjects,
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		},
	} {
		Must(t, admin.Create(t.Context(), o))
	}
}

// As returns the configuration of an account that [AddAccount] created, with a new token.
func As(t testing.TB, cluster *devcluster.Cluster, account string) *rest.Config {
	t.Helper()
	cfg := cluster.Config()
	admin, err := kubernetes.NewForConfig(cfg) // unlike [Client], it needs no discovery
	Must(t, err)
	request, err := admin.CoreV1().ServiceAccounts(Namespace).CreateToken(
		t.Context(), account, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	Must(t, err)
	cfg.BearerToken = request.Status.Token
	return cfg
}
