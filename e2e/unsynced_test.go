package e2e

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

	"platform.company.com/workspace-flyte-integration/devcluster/service"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestCacheNeverSyncs runs a replica that may not list NetworkPolicies. It says so, stores webhooks all the same, is
// ready as soon as it may, and ends when it is told to although it never was.
func TestCacheNeverSyncs(t *testing.T) {
	account := "narrow-" + strings.ToLower(rand.Text())
	blind := replicaUnder(t, account)
	grant(t, account, withoutNetworkPolicies(t))
	if err := blind.Launch(); err != nil {
		t.Fatal(err)
	}
	defer blind.Kill()
	says(t, blind, "/livez", http.StatusOK, "ok")
	m := newMessage(t, workspace.EventCreated, team(account, 1))
	if r, err := m.deliverTo(t.Context(), blind); err != nil {
		t.Errorf("%v: %+v", err, r)
	}
	eventually(t, "the second refusal, long after all other caches", func(context.Context) bool {
		log, err := os.ReadFile(blind.LogPath())
		return err == nil && strings.Count(string(log), `cannot list resource \"networkpolicies\"`) > 1
	})
	says(t, blind, "/health", http.StatusServiceUnavailable, `"reasons":["controller not progressing"]`)
	says(t, blind, "/readyz", http.StatusServiceUnavailable, "the caches have not synced yet")

	blind.Stop() // before it ever was ready
	if code := blind.ExitCode(); code != 0 {
		t.Errorf("told to end, it did with %d: %v", code, blind.Failure())
	}
	if err := blind.Launch(); err != nil {
		t.Fatal(err)
	}
	says(t, blind, "/readyz", http.StatusServiceUnavailable, "the caches have not synced yet")
	grant(t, account, allRules(t))
	says(t, blind, "/readyz", http.StatusOK, "ok")
	says(t, blind, "/health", http.StatusOK, "healthy")
}

// says waits until a replica answers this.
func says(t *testing.T, s *service.Service, path string, status int, text string) {
	t.Helper()
	eventually(t, path+" to say "+text, func(ctx context.Context) bool {
		r, err := ask(ctx, s, path)
		return err == nil && r.Status == status && strings.Contains(r.Body, text)
	})
}

func ask(ctx context.Context, s *service.Service, path string) (service.Reply, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, http.NoBody)
	if err != nil {
		return service.Reply{}, err
	}
	return service.Do(request)
}

// replicaUnder is a replica under a new account that may read the API server's addresses and nothing else.
func replicaUnder(t *testing.T, name string) *service.Service {
	t.Helper()
	replica, err := world.service.Replica(t.Context(), name)
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
		create(t.Context(), t, o)
		t.Cleanup(func() { _ = world.admin.Delete(context.WithoutCancel(t.Context()), o) })
	}
	token := &authenticationv1.TokenRequest{}
	if err := world.admin.SubResource("token").Create(t.Context(), account, token); err != nil {
		t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(world.cluster.Config())
	config.BearerToken = token.Status.Token
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := world.cluster.WriteKubeconfig(kubeconfig, config); err != nil {
		t.Fatal(err)
	}
	replica.Set("KUBECONFIG", kubeconfig)
	replica.Set("PULL_SECRETS_NAMESPACE", "") // which would take another role
	return replica
}

// allRules are those of the chart.
func allRules(t *testing.T) []rbacv1.PolicyRule {
	t.Helper()
	return live(t, &rbacv1.ClusterRole{}, "", "workspace-flyte-integration").Rules
}

func withoutNetworkPolicies(t *testing.T) []rbacv1.PolicyRule {
	t.Helper()
	return slices.DeleteFunc(allRules(t), func(r rbacv1.PolicyRule) bool { return slices.Contains(r.Resources, "networkpolicies") })
}

// grant gives an account these rights and no others.
func grant(t *testing.T, account string, rules []rbacv1.PolicyRule) {
	t.Helper()
	role := live(t, &rbacv1.ClusterRole{}, "", account)
	role.Rules = rules
	if err := world.admin.Update(t.Context(), role); err != nil {
		t.Fatal(err)
	}
}
