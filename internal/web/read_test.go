package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/apitest"
	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/web"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// service is the real ReadAPI behind the real router, with objects in memory.
type service struct {
	cached, live reader
	options      web.Options
	router       routers.Router
}

func newService(t *testing.T, workspaces ...v1alpha1.Workspace) *service {
	t.Helper()
	naming, err := workspace.NewNaming("{prefix}{project}", "flyte-", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{}
	if s.router, err = legacy.NewRouter(apitest.Document(t), openapi3.DisableExamplesValidation()); err != nil {
		t.Fatal(err)
	}
	s.cached.workspaces = workspaces
	s.options = web.Options{
		Cached: &s.cached, Live: &s.live, Authorizer: web.Open{}, ChargeRead: func(*http.Request) error { return nil }, Naming: naming,
		ConsoleURL: func(id string) string { return "https://flyte/console/projects/" + id },
		Objects: func(_ context.Context, _, namespace string) ([]web.Object, error) {
			return []web.Object{
				{ObjectRef: web.ObjectRef{Kind: "LimitRange", Namespace: namespace, Name: "workspace-limits"}, Terminating: true},
				{ObjectRef: web.ObjectRef{Kind: "ResourceQuota", Namespace: namespace, Name: "workspace-quota"}},
			}, nil
		},
		DomainURLs: func(id string) map[string]string {
			return map[string]string{"development": "https://flyte/" + id + "?domain=development"}
		},
		Feed: web.NewFeed(), Draining: make(chan struct{}), Disconnected: func(r *http.Request) <-chan struct{} { return r.Context().Done() },
		Client: func(r *http.Request) string { return r.RemoteAddr },
	}
	return s
}

// get answers a request, and compares the answer with the OpenAPI document.
func (s *service) get(t *testing.T, path string, headers ...string) answer {
	t.Helper()
	e := webhook.NewRouter(slog.New(slog.DiscardHandler), web.NewReadAPI(s.options))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
	r.Host = "evil.example"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	s.conforms(t, r, w)
	return answer{Status: w.Code, Header: w.Header(), Body: w.Body.String()}
}

func (s *service) conforms(t *testing.T, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	asked := r.Clone(t.Context())
	asked.Host, asked.URL.Host = "", ""
	route, parameters, err := s.router.FindRoute(asked)
	if err != nil {
		t.Fatalf("%s: %v", r.URL, err)
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: asked, Route: route, PathParams: parameters},
		Status:                 w.Code, Header: w.Header(),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateResponse(t.Context(), input.SetBodyBytes(w.Body.Bytes())); err != nil {
		t.Errorf("%s: the answer is not what openapi.yaml says: %v", r.URL, err)
	}
	described := route.Operation.Responses.Status(w.Code)
	for name := range w.Header() {
		isDescribed := func(other string) bool { return strings.EqualFold(other, name) }
		if name != "Content-Type" && described != nil && !slices.ContainsFunc(slices.Collect(maps.Keys(described.Value.Headers)), isDescribed) {
			t.Errorf("%s: openapi.yaml has no header %s in its %d", r.URL, name, w.Code)
		}
	}
}

func TestReadAPI_ListsWorkspaces(t *testing.T) {
	s := newService(t, fraud())
	want := `{"workspaces":[{"workspace_id":"fraud","name":"Fraud detection","owner":"ana@company.com","tier":"standard",` +
		`"labels":{"cost-center":"42"},"state":"Active","ready":true,"reason":"Ready","message":"message",` +
		`"changed_at":"2026-11-20T08:41:01Z","created_at":"2026-11-20T08:41:00Z","namespaces":["flyte-fraud"],"project_id":"fraud",` +
		`"console_url":"https://flyte/console/projects/fraud","status_url":"/workspaces/fraud"}],"total":1}`
	if got := s.get(t, "/workspaces"); got.Body != want {
		t.Errorf("(-want +got):\n%s", cmp.Diff(want, got.Body))
	}
	s.cached.workspaces = nil
	if got := s.get(t, "/workspaces").Body; got != `{"workspaces":[],"total":0}` {
		t.Errorf("without workspaces: %s", got)
	}
}

func TestReadAPI_LinksArePublic(t *testing.T) {
	s := newService(t, fraud())
	s.options.PublicURL = "https://workspaces.company.com/base"
	const link = `"status_url":"https://workspaces.company.com/base/workspaces/fraud"`
	if got := s.get(t, "/workspaces/fraud").Body; !strings.Contains(got, link) {
		t.Errorf("the link is another one: %s", got)
	}
}

func TestReadAPI_ShowsAWorkspace(t *testing.T) {
	s := newService(t, fraud())
	s.live.quotas = map[string]corev1.ResourceQuota{"flyte-fraud": {Status: corev1.ResourceQuotaStatus{
		Hard: corev1.ResourceList{"requests.cpu": resource.MustParse("40")},
		Used: corev1.ResourceList{"requests.cpu": resource.MustParse("12500m")},
	}}, "flyte-fraud/of-another-program": {}, "flyte-fraud/workspace-priority-high": {Status: corev1.ResourceQuotaStatus{
		Hard: corev1.ResourceList{"pods": resource.MustParse("2")}, Used: corev1.ResourceList{"pods": resource.MustParse("1")},
	}}}
	s.live.events = []eventsv1.Event{
		{Reason: "Repaired", Note: "forged", EventTime: metav1.MicroTime(at(35)), Related: quotaOfFraud(), ReportingController: "x"},
		{
			Reason: "Repaired", Note: "tomorrow", EventTime: metav1.NowMicro(), Series: tomorrow(),
			Related: quotaOfFraud(), ReportingController: ours,
		},
		{Reason: "Repaired", Note: "newest", ReportingController: ours, EventTime: metav1.MicroTime(at(30)), Related: quotaOfFraud()},
		{Reason: "Repaired", Note: "older", ReportingController: ours, EventTime: metav1.MicroTime(at(20)), Related: quotaOfFraud()},
		{Reason: "Ready", Note: "no repair", EventTime: metav1.MicroTime(at(40)), Related: quotaOfFraud()},
	}
	want := `"description":"Card fraud models","quota":{"cpu":"40"},"members":[{"kind":"Group","name":"ml-team","role":"editor"}],` +
		`"version":8,"state_version":7,"applied_tier":"standard","conditions":[{"type":"Ready","status":"True","reason":"Ready",` +
		`"message":"message","changed_at":"2026-11-20T08:41:01Z"}],"quotas":[{"namespace":"flyte-fraud","hard":{"requests.cpu":"40"},` +
		`"used":{"requests.cpu":"12500m"},"priority_classes":{"high":{"hard":{"pods":"2"},"used":{"pods":"1"}}}}],` +
		`"objects":[{"kind":"LimitRange","namespace":"flyte-fraud","name":"workspace-limits",` +
		`"terminating":true},{"kind":"ResourceQuota","namespace":"flyte-fraud","name":"workspace-quota",` +
		`"last_repair":{"at":"2026-11-20T08:41:30Z","note":"newest"}}],"console_urls":{"development":"https://flyte/fraud?domain=development"},` +
		`"deliveries":[{"id":"msg_2"},{"id":"msg_1"}],"reported":{"version":8,"status":"ready","reason":"Ready",` +
		`"time":"2026-11-20T08:41:09Z"},"deletion":{"policy":"Delete","requested_at":"2026-11-20T08:41:10Z",` +
		`"purge_at":"2026-11-20T08:41:20Z","namespaces":["flyte-fraud"]}}`
	got := s.get(t, "/workspaces/fraud")
	if _, detail, _ := strings.Cut(got.Body, `"status_url":"/workspaces/fraud",`); detail != want {
		t.Errorf("(-want +got):\n%s", cmp.Diff(want, detail))
	}
	s.cached.workspaces[0] = v1alpha1.Workspace{
		ObjectMeta: metav1.ObjectMeta{Name: "fraud", CreationTimestamp: at(0)}, Spec: v1alpha1.WorkspaceSpec{State: "Active"},
	}
	if got := s.get(t, "/workspaces/fraud"); got.Status != http.StatusOK { // and it conforms
		t.Errorf("a new one: %d %s", got.Status, got.Body)
	}
}

// ours is the reporter of the service's Events.
const ours = "workspace-flyte-integration"

func tomorrow() *eventsv1.EventSeries {
	return &eventsv1.EventSeries{Count: 1, LastObservedTime: metav1.NewMicroTime(time.Now().Add(24 * time.Hour))}
}

func quotaOfFraud() *corev1.ObjectReference {
	return &corev1.ObjectReference{Kind: "ResourceQuota", Namespace: "flyte-fraud", Name: "workspace-quota"}
}

func TestReadAPI_AddsUpASharedQuota(t *testing.T) {
	w := fraud()
	w.Status.Namespaces = []string{"flyte-fraud-a", "flyte-fraud-b"}
	s := newService(t, w)
	s.cached.tiers = []v1alpha1.WorkspaceTier{{ObjectMeta: metav1.ObjectMeta{Name: "standard"}}}
	of := func(hard, used string) corev1.ResourceQuota {
		return corev1.ResourceQuota{Status: corev1.ResourceQuotaStatus{
			Hard: corev1.ResourceList{"requests.cpu": resource.MustParse(hard)}, Used: corev1.ResourceList{"requests.cpu": resource.MustParse(used)},
		}}
	}
	s.live.quotas = map[string]corev1.ResourceQuota{"flyte-fraud-a": of("30", "12500m"), "flyte-fraud-b": of("10", "2")}
	const shared = `"shared_quota":{"hard":{"requests.cpu":"40"},"used":{"requests.cpu":"14500m"}}`
	if got := s.get(t, "/workspaces/fraud").Body; strings.Contains(got, "shared_quota") {
		t.Errorf("each namespace has its own quota: %s", got)
	}
	s.cached.tiers[0].Spec.QuotaScope = v1alpha1.QuotaScopeWorkspace
	if got := s.get(t, "/workspaces/fraud").Body; !strings.Contains(got, shared) {
		t.Errorf("got %s", got)
	}
	has(t, "the page", newPages(s).get(t, "/ui/workspaces/fraud").Body, "All namespaces together", "14.5 of 40")
	has(t, "the tier's page", newPages(s).get(t, "/ui/tiers/standard").Body, "Quota that the namespaces of a workspace share")
	delete(s.live.quotas, "flyte-fraud-b")
	if got := s.get(t, "/workspaces/fraud").Body; strings.Contains(got, "shared_quota") {
		t.Errorf("one amount is not known: %s", got)
	}
}

// TestReadAPI_ShowsAWorkspaceWithoutItsUsage: the rest of the answer is from the cache.
func TestReadAPI_ShowsAWorkspaceWithoutItsUsage(t *testing.T) {
	s := newService(t, fraud())
	s.live.fault = errors.New("connection refused")
	got := s.get(t, "/workspaces/fraud")
	if got.Status != http.StatusOK || !strings.Contains(got.Body, `"quotas":[{"namespace":"flyte-fraud"}],"objects":[{"kind"`) {
		t.Errorf("%d %s", got.Status, got.Body)
	}
}

func TestReadAPI_AnswersWhetherAKnownAnswerIsStillRight(t *testing.T) {
	s := newService(t, fraud())
	for _, path := range []string{"/workspaces", "/workspaces/fraud", "/workspaces/fraud/events", "/tiers"} {
		etag := s.get(t, path).Header.Get("ETag")
		if got := s.get(t, path, "If-None-Match", etag); etag == "" || got.Status != http.StatusNotModified || got.Body != "" {
			t.Errorf("%s, %s: %d %s", path, etag, got.Status, got.Body)
		}
	}
	etag := s.get(t, "/workspaces").Header.Get("ETag")
	s.cached.workspaces[0].Spec.Tier = "large"
	if got := s.get(t, "/workspaces", "If-None-Match", etag); got.Status != http.StatusOK {
		t.Errorf("after a change: %d", got.Status)
	}
}

func TestReadAPI_AnswersWhatDoesNotExist(t *testing.T) {
	s := newService(t, fraud())
	for path, detail := range map[string]string{
		"/workspaces/other": "there is no such workspace", "/workspaces/%3Cscript%3E": "there is no such workspace",
		"/workspaces/other/events": "there is no such workspace", "/tiers/other": "there is no such tier",
	} {
		if got := s.get(t, path); got.Status != http.StatusNotFound || !strings.Contains(got.Body, `"`+detail+`"`) {
			t.Errorf("%s: %d %s", path, got.Status, got.Body)
		}
	}
}

func TestReadAPI_AnswersWhileItCantRead(t *testing.T) {
	s := newService(t, fraud())
	s.live.fault = errors.New("hunter2")
	paths := []string{"/workspaces/fraud/events"}
	for range 2 {
		for _, path := range paths {
			got := s.get(t, path)
			if got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" || strings.Contains(got.Body, "hunter2") {
				t.Errorf("%s: %d %s", path, got.Status, got.Body)
			}
		}
		s.cached.fault = errors.New("hunter2")
		paths = []string{"/workspaces", "/workspaces/fraud", "/tiers", "/tiers/small"}
	}
}

// TestReadAPI_BoundsReads: the caches may not have synced yet, or the API server hangs.
func TestReadAPI_BoundsReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, fraud())
		s.live.hangs = true
		if got := s.get(t, "/workspaces/fraud").Status; got != http.StatusOK {
			t.Errorf("without the API server: %d", got)
		}
		s.cached.hangs = true
		for _, path := range []string{"/workspaces", "/workspaces/fraud", "/tiers", "/tiers/small"} {
			if got := s.get(t, path).Status; got != http.StatusServiceUnavailable {
				t.Errorf("%s: %d", path, got)
			}
		}
	})
}

// TestReadAPI_BoundsListings: beside thousands of workspaces, each listing takes megabytes.
func TestReadAPI_BoundsListings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, fraud())
		s.cached.hangs = true
		e := webhook.NewRouter(slog.New(slog.DiscardHandler), web.NewReadAPI(s.options))
		var readers sync.WaitGroup
		for range 20 {
			readers.Go(func() {
				w := httptest.NewRecorder()
				e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/workspaces", http.NoBody))
				if w.Code != http.StatusServiceUnavailable {
					t.Errorf("without caches: %d", w.Code)
				}
			})
		}
		synctest.Wait()
		if n := s.cached.calls.Load(); n != 8 {
			t.Errorf("%d listings at a time", n)
		}
		readers.Wait()
		if n := s.cached.calls.Load(); n != 20 {
			t.Errorf("%d listings of 20", n)
		}
	})
}

func TestReadAPI_ShowsTiers(t *testing.T) {
	s := newService(t)
	for _, name := range []string{"small", "large"} {
		s.cached.tiers = append(s.cached.tiers, v1alpha1.WorkspaceTier{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	s.cached.tiers[0].Spec.Quota.Default.CPU = "8"
	var got struct {
		Tiers []struct{ Name string }
		Total int
	}
	if err := json.Unmarshal([]byte(s.get(t, "/tiers").Body), &got); err != nil || got.Total != 2 || got.Tiers[0].Name != "large" {
		t.Errorf("%v, %v", got, err)
	}
	if got := s.get(t, "/tiers/small").Body; !strings.Contains(got, `"name":"small"`) || !strings.Contains(got, `"cpu":"8"`) {
		t.Errorf("one: %s", got)
	}
}

// query returns a path with these parameters.
func query(path string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return path + "?" + values.Encode()
}
