package browser

import (
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// everything is the right to read all that the page shows.
var everything = rbacv1.PolicyRule{
	APIGroups: []string{"platform.company.com"}, Resources: []string{"workspaces", "workspacetiers"}, Verbs: []string{"get", "list", "watch"},
}

// account creates a ServiceAccount with one right, and returns its token.
func account(t *testing.T, name string, rule rbacv1.PolicyRule) (created *corev1.ServiceAccount, token string) {
	t.Helper()
	created = &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: service.Namespace, Name: name}}
	for _, o := range []client.Object{
		created,
		&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: []rbacv1.PolicyRule{rule}},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: service.Namespace, Name: name}},
		},
	} {
		harness.Must(t, shared.Env().Admin.Create(t.Context(), o))
	}
	request := &authenticationv1.TokenRequest{}
	harness.Must(t, shared.Env().Admin.SubResource("token").Create(t.Context(), created, request))
	return created, request.Status.Token
}
