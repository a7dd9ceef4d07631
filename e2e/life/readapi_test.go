package life

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestReadAPI reads with tokens of ServiceAccounts. The real API server reviews the tokens and the rights, with the rights that the
// chart grants the service.
func TestReadAPI(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	const id = "read-api"
	accepted := env.Deliver(t, harness.NewMessage(t, workspace.EventCreated, harness.Data(id, 1)))
	env.AwaitReason(t, id, "Ready")
	var answer struct {
		StatusURL string `json:"status_url"`
	}
	harness.Must(t, json.Unmarshal([]byte(accepted.Body), &answer))

	one := accountThatMay(t, "reader-of-one", rbacv1.PolicyRule{
		APIGroups: []string{"platform.company.com"}, Resources: []string{"workspaces"}, ResourceNames: []string{id}, Verbs: []string{"get"},
	})
	all := accountThatMay(t, "reader-of-all", rbacv1.PolicyRule{
		APIGroups: []string{"platform.company.com"}, Resources: []string{"workspaces", "workspacetiers"}, Verbs: []string{"get", "list"},
	})
	for name, c := range map[string]struct {
		token, path string
		status      int
		contains    string
	}{
		"status_url of the event":            {tokenOf(t, one), answer.StatusURL, http.StatusOK, `"ready":true`},
		"another workspace":                  {tokenOf(t, one), "/workspaces/other", http.StatusForbidden, ""},
		"all workspaces, for one's reader":   {tokenOf(t, one), "/workspaces", http.StatusForbidden, ""},
		"all workspaces":                     {tokenOf(t, all), "/workspaces?q=" + id, http.StatusOK, `"workspace_id":"` + id + `"`},
		"what does not exist":                {tokenOf(t, all), "/workspaces/other", http.StatusNotFound, ""},
		"tiers":                              {tokenOf(t, all), "/tiers", http.StatusOK, `"name":"standard"`},
		"a tier":                             {tokenOf(t, all), "/tiers/standard", http.StatusOK, `"name":"standard"`},
		"a tier, for a reader of workspaces": {tokenOf(t, one), "/tiers/standard", http.StatusForbidden, ""},
		"a token for another audience":       {tokenOf(t, all, "vault"), "/workspaces", http.StatusUnauthorized, ""},
		"a token that is none":               {"x", "/workspaces", http.StatusUnauthorized, ""},
	} {
		if status, body := read(t, c.token, c.path); status != c.status || !strings.Contains(body, c.contains) {
			t.Errorf("%s: %d %s, want %d", name, status, body, c.status)
		}
	}
	env.Deliver(t, harness.NewMessage(t, workspace.EventSuspended, harness.Data(id, 2)))
	token := tokenOf(t, one)
	harness.Eventually(t, "the Event about the suspension", func(context.Context) bool {
		status, body := read(t, token, "/workspaces/"+id+"/events")
		return status == http.StatusOK && strings.Contains(body, `"reason":"Suspended"`)
	})
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: "flyte-" + id, Name: "workspace-quota"}}
	harness.Must(t, env.Admin.Delete(t.Context(), quota))
	harness.Eventually(t, "the repair of the ResourceQuota", func(context.Context) bool {
		_, body := read(t, token, "/workspaces/"+id)
		return strings.Contains(body, `"name":"workspace-quota","last_repair":{"at":`)
	})
}

// accountThatMay creates a ServiceAccount with one rule in the whole cluster.
func accountThatMay(t *testing.T, name string, rule rbacv1.PolicyRule) *corev1.ServiceAccount {
	t.Helper()
	account, err := shared.Env().CreateAccount(t.Context(), name, rule)
	harness.Must(t, err)
	return account
}

func tokenOf(t *testing.T, account *corev1.ServiceAccount, audiences ...string) string {
	t.Helper()
	token, err := shared.Env().Token(t.Context(), account, audiences...)
	harness.Must(t, err)
	return token
}

func read(t *testing.T, token, path string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, shared.Env().Service.URL+path, http.NoBody)
	harness.Must(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(r)
	harness.Must(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	harness.Must(t, err)
	return response.StatusCode, string(text)
}
