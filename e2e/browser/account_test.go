package browser

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// everything is the right to read all that the page shows.
var everything = rbacv1.PolicyRule{
	APIGroups: []string{"platform.company.com"}, Resources: []string{"workspaces", "workspacetiers"}, Verbs: []string{"get", "list", "watch"},
}

// account creates a ServiceAccount with one right, and returns its token.
func account(t *testing.T, name string, rule rbacv1.PolicyRule) (created *corev1.ServiceAccount, token string) {
	t.Helper()
	created, err := shared.Env().CreateAccount(t.Context(), name, rule)
	harness.Must(t, err)
	token, err = shared.Env().Token(t.Context(), created)
	harness.Must(t, err)
	return created, token
}
