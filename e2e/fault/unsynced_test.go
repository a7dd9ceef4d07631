package fault

import (
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/devcluster"
	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestCacheNeverSyncs runs a replica that may not list NetworkPolicies. It stores webhooks all the same, is not ready until it has the
// right, and ends properly before that.
func TestCacheNeverSyncs(t *testing.T) {
	account := "narrow-" + strings.ToLower(rand.Text())
	narrow := replicaUnder(t, account)
	grant(t, account, withoutNetworkPolicies(t))
	if err := narrow.Launch(); err != nil {
		t.Fatal(err)
	}
	defer narrow.Kill()
	harness.AwaitAnswer(t, narrow, "/livez", http.StatusOK, "ok")
	m := harness.NewMessage(t, workspace.EventCreated, harness.Data(account, 1))
	harness.DeliverTo(t, narrow, m)
	harness.Eventually(t, "the second refusal, long after all other caches", func(context.Context) bool { return refusals(t, account) > 1 })
	harness.AwaitAnswer(t, narrow, "/health", http.StatusServiceUnavailable, `"reasons":["controller not progressing"]`)
	harness.AwaitAnswer(t, narrow, "/readyz", http.StatusServiceUnavailable, "the caches have not synced yet")

	narrow.Stop() // before it was ever ready
	if code := narrow.ExitCode(); code != 0 {
		t.Errorf("stopped, it ended with %d: %v", code, narrow.Failure())
	}
	if err := narrow.Launch(); err != nil {
		t.Fatal(err)
	}
	harness.AwaitAnswer(t, narrow, "/readyz", http.StatusServiceUnavailable, "the caches have not synced yet")
	grant(t, account, allRules(t))
	harness.AwaitAnswer(t, narrow, "/readyz", http.StatusOK, "ok")
	harness.AwaitAnswer(t, narrow, "/health", http.StatusOK, "healthy")
}

// refusals counts the account's requests for NetworkPolicies that the API server refused.
func refusals(t *testing.T, account string) (n int) {
	t.Helper()
	log, err := os.ReadFile(shared.Env().Cluster.AuditLogPath())
	harness.Must(t, err)
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, ":"+account+`"`) && strings.Contains(line, `"networkpolicies"`) && strings.Contains(line, `:"forbid"`) {
			n++
		}
	}
	return n
}

// replicaUnder is a replica under a new account that may read the API server's addresses and nothing else.
func replicaUnder(t *testing.T, name string) *service.Service {
	t.Helper()
	env := shared.Env()
	replica, err := env.Service.Replica(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: service.Namespace, Name: name}}
	role := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name}
	subjects := []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: service.Namespace, Name: name}}
	for _, o := range []client.Object{
		account, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}},
		&rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: role, Subjects: subjects},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: name}, Subjects: subjects,
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "workspace-flyte-integration-api-server"},
		},
	} {
		harness.Must(t, env.Admin.Create(t.Context(), o))
		t.Cleanup(func() { _ = env.Admin.Delete(context.WithoutCancel(t.Context()), o) })
	}
	token := &authenticationv1.TokenRequest{}
	if err := env.Admin.SubResource("token").Create(t.Context(), account, token); err != nil {
		t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(env.Cluster.Config())
	config.BearerToken = token.Status.Token
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := devcluster.WriteKubeconfig(kubeconfig, config); err != nil {
		t.Fatal(err)
	}
	replica.Set("KUBECONFIG", kubeconfig)
	replica.Set("PULL_SECRETS_NAMESPACE", "") // which would take another role
	return replica
}

// allRules are those of the chart.
func allRules(t *testing.T) []rbacv1.PolicyRule {
	t.Helper()
	env := shared.Env()
	return harness.Get(t, env, &rbacv1.ClusterRole{}, "", "workspace-flyte-integration").Rules
}

func withoutNetworkPolicies(t *testing.T) []rbacv1.PolicyRule {
	t.Helper()
	return slices.DeleteFunc(allRules(t), func(r rbacv1.PolicyRule) bool { return slices.Contains(r.Resources, "networkpolicies") })
}

// grant gives an account these rights and no others.
func grant(t *testing.T, account string, rules []rbacv1.PolicyRule) {
	t.Helper()
	env := shared.Env()
	role := harness.Get(t, env, &rbacv1.ClusterRole{}, "", account)
	role.Rules = rules
	if err := env.Admin.Update(t.Context(), role); err != nil {
		t.Fatal(err)
	}
}
