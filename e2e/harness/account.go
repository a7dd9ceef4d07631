package harness

import (
	"context"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster/service"
)

// CreateAccount creates a ServiceAccount with one rule in the whole cluster.
func (e *Env) CreateAccount(ctx context.Context, name string, rule rbacv1.PolicyRule) (*corev1.ServiceAccount, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: service.Namespace, Name: name}}
	for _, o := range []client.Object{
		account,
		&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: []rbacv1.PolicyRule{rule}},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: service.Namespace, Name: name}},
		},
	} {
		if err := e.Admin.Create(ctx, o); err != nil {
			return nil, err
		}
	}
	return account, nil
}

// Token requests a token of an account for these audiences, the API server's own by default.
func (e *Env) Token(ctx context.Context, account *corev1.ServiceAccount, audiences ...string) (string, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences}}
	err := e.Admin.SubResource("token").Create(ctx, account, request)
	return request.Status.Token, err
}
