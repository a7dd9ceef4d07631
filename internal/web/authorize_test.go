package web_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/apitest"
	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/web"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// reviewer knows the users of tokens, and what they may read: "list workspaces", "get workspaces fraud". It records its calls.
type reviewer struct {
	users  map[string]*authenticationv1.UserInfo
	rights map[string]bool
	fault  error
	calls  []string
	mu     sync.Mutex
}

func (r *reviewer) Authenticate(_ context.Context, token string) (*authenticationv1.UserInfo, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, "authenticate")
	return r.users[token], r.fault
}

func (r *reviewer) Allowed(_ context.Context, user *authenticationv1.UserInfo, a web.Access) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	what := strings.TrimSpace(a.Verb + " " + a.Resource + " " + a.Name)
	r.calls = append(r.calls, user.Username+": "+what)
	return r.rights[what], r.fault
}

// guarded is a service with API_AUTH=kubernetes, where ana may read what is in rights. The clock stands still until it is moved.
func guarded(t *testing.T, rights ...string) (s *service, r *reviewer, clock *time.Time) {
	t.Helper()
	s, clock = newService(t, fraud()), new(at(0).Time)
	s.cached.tiers = []v1alpha1.WorkspaceTier{{ObjectMeta: metav1.ObjectMeta{Name: "small"}}}
	r = &reviewer{users: map[string]*authenticationv1.UserInfo{"of-ana": {Username: "ana"}}, rights: map[string]bool{}}
	for _, right := range rights {
		r.rights[right] = true
	}
	s.options.Authorizer = web.NewTokenAuthorizer(r, func() time.Time { return *clock })
	return s, r, clock
}

const ana = "Bearer of-ana"

func TestReadAPI_NeedsTheRightToReadWhatIsAsked(t *testing.T) {
	for path, right := range map[string]string{
		"/workspaces": "list workspaces", "/workspaces/fraud": "get workspaces fraud", "/workspaces/fraud/events": "get workspaces fraud",
		"/tiers": "list workspacetiers", "/tiers/small": "get workspacetiers small",
	} {
		s, r, _ := guarded(t, right)
		if got := s.get(t, path, "Authorization", ana); got.Status != http.StatusOK {
			t.Errorf("%s: %d %s", path, got.Status, got.Body)
		}
		if diff := cmp.Diff([]string{"authenticate", "ana: " + right}, r.calls); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
		s, r, _ = guarded(t, "list workspaces", "get workspaces fraud", "get workspaces", "list workspacetiers", "get workspacetiers small")
		delete(r.rights, right)
		if got := s.get(t, path, "Authorization", ana); got.Status != http.StatusForbidden {
			t.Errorf("%s without the right: %d %s", path, got.Status, got.Body)
		}
	}
}

// TestReadAPI_AuthorizesBeforeItLooksUp: what exists and what does not are refused with the same answer, and nothing was read.
func TestReadAPI_AuthorizesBeforeItLooksUp(t *testing.T) {
	s, _, _ := guarded(t)
	want := s.get(t, "/workspaces/fraud", "Authorization", ana)
	for _, path := range []string{
		"/workspaces/other", "/workspaces/%3Cscript%3E", "/workspaces/" + strings.Repeat("x", 5000), "/workspaces?limit=x", "/tiers/small",
	} {
		if diff := cmp.Diff(want, s.get(t, path, "Authorization", ana)); diff != "" {
			t.Errorf("%.40s (-want +got):\n%s", path, diff)
		}
	}
	s.get(t, "/workspaces/fraud")
	if n := s.cached.calls.Load() + s.live.calls.Load(); n > 0 {
		t.Errorf("%d objects were read", n)
	}
	s, r, _ := guarded(t, "get workspaces")
	s.get(t, "/workspaces/%3Cscript%3E", "Authorization", ana)
	if diff := cmp.Diff([]string{"authenticate", "ana: get workspaces"}, r.calls); diff != "" {
		t.Errorf("a name that can't exist needs the right to all (-want +got):\n%s", diff)
	}
}

func TestReadAPI_RefusesOtherCredentials(t *testing.T) {
	want := answer{
		Status: http.StatusUnauthorized,
		Header: http.Header{"Cache-Control": {"no-store"}, "Content-Type": {"application/problem+json"}, "Www-Authenticate": {"Bearer"}},
		Body: `{"type":"about:blank","title":"Unauthorized","status":401,` +
			`"detail":"the bearer token is missing, wrong or expired"}`,
	}
	for name, c := range map[string]struct {
		headers []string
		asked   bool
	}{
		"none": {nil, false}, "a wrong token": {[]string{"Authorization", "Bearer wrong"}, true},
		"another scheme": {[]string{"Authorization", "Basic of-ana"}, false}, "no token": {[]string{"Authorization", "Bearer "}, false},
		"a token alone": {[]string{"Authorization", "of-ana"}, false}, "two": {[]string{"Authorization", ana, "Authorization", ana}, false},
		"a list": {[]string{"Authorization", ana + " x"}, false}, "a proxy's": {[]string{"X-Forwarded-User", "ana"}, false},
	} {
		s, r, _ := guarded(t, "list workspaces")
		if diff := cmp.Diff(want, s.get(t, "/workspaces", c.headers...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if asked := len(r.calls) > 0; asked != c.asked {
			t.Errorf("%s: the API server was asked: %t", name, asked)
		}
	}
	s, _, _ := guarded(t, "list workspaces")
	if got := s.get(t, "/workspaces", "Authorization", "bearer of-ana"); got.Status != http.StatusOK {
		t.Errorf("the scheme in lower case: %d", got.Status)
	}
}

// TestTokenAuthorizer_CachesAnswers: for ten seconds, refusals too, and each access by itself.
func TestTokenAuthorizer_CachesAnswers(t *testing.T) {
	s, r, clock := guarded(t, "list workspaces")
	status := func(token, path string) int { return s.get(t, path, "Authorization", "Bearer "+token).Status }
	for range 3 {
		got := []int{status("of-ana", "/workspaces"), status("of-ana", "/tiers"), status("wrong", "/tiers")}
		if !slices.Equal(got, []int{http.StatusOK, http.StatusForbidden, http.StatusUnauthorized}) {
			t.Errorf("answered %v", got)
		}
		*clock = clock.Add(3 * time.Second)
	}
	want := []string{"authenticate", "ana: list workspaces", "ana: list workspacetiers", "authenticate"}
	if diff := cmp.Diff(want, r.calls); diff != "" {
		t.Errorf("within ten seconds (-want +got):\n%s", diff)
	}
	r.users, r.calls = nil, nil
	*clock = clock.Add(time.Second)
	if got := status("of-ana", "/workspaces"); got != http.StatusUnauthorized || len(r.calls) != 1 {
		t.Errorf("ten seconds after the token was revoked: %d, asked %q", got, r.calls)
	}
}

// TestTokenAuthorizer_NeverServesARevokedRightForLong: a decision does not outlive the user that it is about.
func TestTokenAuthorizer_NeverServesARevokedRightForLong(t *testing.T) {
	s, r, clock := guarded(t, "list workspaces", "list workspacetiers")
	s.get(t, "/workspaces", "Authorization", ana)
	*clock = clock.Add(9 * time.Second)
	s.get(t, "/tiers", "Authorization", ana)
	r.rights = nil
	*clock = clock.Add(time.Second)
	if got := s.get(t, "/tiers", "Authorization", ana).Status; got != http.StatusForbidden {
		t.Errorf("answered %d", got)
	}
}

func TestTokenAuthorizer_CachesNoErrors(t *testing.T) {
	s, r, _ := guarded(t, "list workspaces")
	r.fault = errors.New("hunter2")
	for range 2 {
		got := s.get(t, "/workspaces", "Authorization", ana)
		if got.Status != http.StatusServiceUnavailable || strings.Contains(got.Body, "hunter2") {
			t.Errorf("%d %s", got.Status, got.Body)
		}
	}
	r.fault = nil
	if got := s.get(t, "/workspaces", "Authorization", ana).Status; got != http.StatusOK || len(r.calls) != 4 {
		t.Errorf("afterwards %d, asked %q", got, r.calls)
	}
}

// TestTokenAuthorizer_ForgetsTokensThatExpire: the API server accepted the token, so its own expiry counts.
func TestTokenAuthorizer_ForgetsTokensThatExpire(t *testing.T) {
	s, r, clock := guarded(t, "list workspaces")
	claims := fmt.Sprintf(`{"exp":%d}`, clock.Add(3*time.Second).Unix())
	token := "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	r.users[token] = &authenticationv1.UserInfo{Username: "robot"}
	if got := s.get(t, "/workspaces", "Authorization", "Bearer "+token).Status; got != http.StatusOK {
		t.Fatalf("answered %d", got)
	}
	delete(r.users, token)
	*clock = clock.Add(3 * time.Second)
	if got := s.get(t, "/workspaces", "Authorization", "Bearer "+token).Status; got != http.StatusUnauthorized {
		t.Errorf("after its expiry: %d", got)
	}
}

// TestTokenAuthorizer_BoundsItsMemory: the oldest of more tokens than are cached is reviewed again.
func TestTokenAuthorizer_BoundsItsMemory(t *testing.T) {
	r := &reviewer{users: map[string]*authenticationv1.UserInfo{}}
	authorizer := web.NewTokenAuthorizer(r, func() time.Time { return at(0).Time })
	ask := func(token string) {
		request := &http.Request{Header: http.Header{"Authorization": {"Bearer " + token}}}
		if err := authorizer.Authorize(request, web.Access{}); workspace.KindOf(err) != workspace.KindUnauthorized {
			t.Fatal(err)
		}
	}
	for i := range 1025 {
		ask(strconv.Itoa(i))
	}
	ask("1024")
	if len(r.calls) != 1025 {
		t.Errorf("%d reviews", len(r.calls))
	}
	ask("0")
	if len(r.calls) != 1026 {
		t.Error("the oldest token is cached still")
	}
}

// TestReadAPI_ChargesEveryRequestFirst: the rate limit also protects the API server from reviews.
func TestReadAPI_ChargesEveryRequestFirst(t *testing.T) {
	s, r, _ := guarded(t, "list workspaces")
	s.options.ChargeRead = func(*http.Request) error { return &workspace.Error{Kind: workspace.KindLimited, Detail: "too many"} }
	for _, path := range []string{"/workspaces", "/workspaces/fraud", "/workspaces/fraud/events", "/tiers", "/tiers/small"} {
		if got := s.get(t, path, "Authorization", ana).Status; got != http.StatusTooManyRequests || len(r.calls) > 0 {
			t.Errorf("%s: %d, asked %q", path, got, r.calls)
		}
	}
}

// TestReadAPI_GivesEveryDescribedAnswer: each status of openapi.yaml, and get compares each answer with it.
func TestReadAPI_GivesEveryDescribedAnswer(t *testing.T) {
	doc := apitest.Document(t)
	all := []string{
		"list workspaces", "get workspaces fraud", "get workspaces other",
		"list workspacetiers", "get workspacetiers small", "get workspacetiers other",
	}
	for described, path := range map[string]string{
		"/workspaces": "/workspaces", "/workspaces/{id}": "/workspaces/fraud", "/workspaces/{id}/events": "/workspaces/fraud/events",
		"/tiers": "/tiers", "/tiers/{name}": "/tiers/small",
	} {
		s, r, clock := guarded(t, all...)
		answered := map[string]bool{}
		ask := func(path string, headers ...string) answer {
			got := s.get(t, path, append(headers, "Authorization", ana)...)
			answered[strconv.Itoa(got.Status)] = true
			return got
		}
		ask(path, "If-None-Match", ask(path).Header.Get("ETag"))
		ask(path + "?watch=yes")
		ask(strings.NewReplacer("fraud", "other", "small", "other").Replace(path))
		s.cached.fault = errors.New("down")
		ask(path)
		r.rights = nil
		*clock = clock.Add(time.Minute)
		ask(path)
		r.users = nil
		*clock = clock.Add(time.Minute)
		ask(path)
		s.options.ChargeRead = func(*http.Request) error { return &workspace.Error{Kind: workspace.KindLimited, Detail: "too many"} }
		ask(path)
		want := slices.Sorted(maps.Keys(doc.Paths.Value(described).Get.Responses.Map()))
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(answered))); diff != "" {
			t.Errorf("%s (-described +answered):\n%s", path, diff)
		}
	}
}
