package helm

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// showsRollout proves the page of the roll-out, with the rights that the chart gives the service: users who may list pods in the namespace
// of the service see its three pods and its revisions, and others don't.
func (s *suite) showsRollout(t *testing.T, url, revision string) {
	t.Helper()
	reader := s.createAccount(t, "sees-pods")
	harness.Must(t, s.admin.Create(t.Context(), &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: reader},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}}},
	}))
	harness.Must(t, s.admin.Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: reader},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: reader},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: reader}},
	}))
	eventually(t, "the service to listen", func(ctx context.Context) bool {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/livez", http.NoBody)
		harness.Must(t, err)
		answer, err := http.DefaultClient.Do(r)
		if err == nil {
			answer.Body.Close()
		}
		return err == nil
	})
	status, text := s.getPage(t, url+"/ui/rollout", reader)
	if status != http.StatusOK || strings.Count(text, `<span class="badge good">Running</span>`) != 3 {
		t.Errorf("the roll-out is answered with %d:\n%s", status, text)
	}
	for _, want := range []string{
		"3/3 ready", "registry.company.com/workspace-flyte-integration", revision + ` <span class="badge off">current</span>`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the roll-out lacks %q:\n%s", want, text)
		}
	}
	if status, text := s.getPage(t, url+"/ui/rollout", s.createAccount(t, "sees-nothing")); status != http.StatusForbidden {
		t.Errorf("a stranger is answered with %d:\n%s", status, text)
	}
}

func (s *suite) createAccount(t *testing.T, name string) string {
	t.Helper()
	harness.Must(t, s.admin.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}))
	return name
}

// getPage gets a page with the token of a ServiceAccount.
func (s *suite) getPage(t *testing.T, url, account string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	harness.Must(t, err)
	r.Header.Set("Authorization", "Bearer "+s.account(t, account).BearerToken)
	answer, err := http.DefaultClient.Do(r)
	harness.Must(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	harness.Must(t, err)
	return answer.StatusCode, string(body)
}
