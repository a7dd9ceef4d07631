package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v5"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/web"
	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// pages serves the page of a service, at https://workspaces.company.com unless a test asks otherwise.
type pages struct {
	*service

	components []web.Component
}

func newPages(s *service) *pages {
	return &pages{service: s, components: []web.Component{{Name: "Flyte", Detail: "does not answer", Health: web.HealthBad}}}
}

func (p *pages) handler() *echo.Echo {
	api := web.NewReadAPI(p.options)
	return webhook.NewRouter(slog.New(slog.DiscardHandler), api, web.NewPage(api, web.PageOptions{
		Cluster: "flyte-eks", Components: func(context.Context) []web.Component { return p.components },
		Network: web.Network{FlyteNamespace: "flyte-system", FlytePorts: []int32{81}, ExceptCIDRs: []string{"10.0.0.0/8"}},
	}))
}

func (p *pages) get(t *testing.T, path string, headers ...string) answer {
	t.Helper()
	return p.do(t, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://workspaces.company.com"+path, http.NoBody), headers...)
}

func (p *pages) do(t *testing.T, r *http.Request, headers ...string) answer {
	t.Helper()
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.handler().ServeHTTP(w, r)
	got := answer{Status: w.Code, Header: w.Header(), Body: w.Body.String()}
	asked := r.Clone(t.Context())
	asked.Host, asked.URL.Host, asked.URL.Scheme = "", "", ""
	if route, _, err := p.router.FindRoute(asked); err != nil {
		t.Errorf("%s: %v", r.URL, err)
	} else {
		described := got
		described.Header = got.Header.Clone()
		described.Header.Del("Set-Cookie") // it is compared where it is expected
		conforms(t, r.URL.Path, route.Operation, described)
	}
	return got
}

func has(t *testing.T, where, body string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(body, text) {
			t.Errorf("%s lacks %q", where, text)
		}
	}
}

func hasNot(t *testing.T, where, body string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(body, text) {
			t.Errorf("%s has %q", where, text)
		}
	}
}

func TestPage_OverviewShowsWhatIsWrong(t *testing.T) {
	p := newPages(newService(t, fraud(), ready("b", 5, metav1.ConditionFalse, v1alpha1.ReasonConflict),
		ready("c", 6, metav1.ConditionFalse, v1alpha1.ReasonFlyteUnavailable), v1alpha1.Workspace{ObjectMeta: metav1.ObjectMeta{Name: "d"}}))
	got := p.get(t, "/").Body
	has(t, "the overview", got, "1 workspace of 4 needs somebody to act", "2 others are not Ready yet", "Conflict", "Use another id",
		"FlyteUnavailable", "Not reconciled yet", `href="/ui/workspaces/b"`, "does not answer", "Fraud detection")
	if strings.Index(got, ">Conflict<") > strings.Index(got, ">FlyteUnavailable<") {
		t.Error("what a person must do does not come first")
	}
	for workspaces, want := range map[string]string{"none": "No workspaces yet", "one": "All 1 workspace is as wanted"} {
		p.cached.workspaces = nil
		if workspaces == "one" {
			p.cached.workspaces = []v1alpha1.Workspace{fraud()}
		}
		has(t, workspaces, p.get(t, "/").Body, want)
	}
}

func TestPage_ListFiltersSortsAndPages(t *testing.T) {
	var all []v1alpha1.Workspace
	for i := range 60 {
		all = append(all, ready("ws-"+string(rune('a'+i/26))+string(rune('a'+i%26)), i%50, metav1.ConditionTrue, "Ready"))
	}
	all[3].Spec.Tier, all[59].Status.ProjectID = "large", "ws-ch"
	p := newPages(newService(t, all...))
	first := p.get(t, "/ui/workspaces?sort=-name").Body
	has(t, "the first page", first, "60 workspaces", `aria-sort="descending"`, `id="ws-ws-ch"`, "Next page", "https://flyte/console")
	hasNot(t, "the first page", first, `id="ws-ws-aa"`)
	_, next, _ := strings.Cut(first, `href="/ui/workspaces?continue=`)
	next, _, _ = strings.Cut(next, `"`)
	has(t, "the last page", p.get(t, "/ui/workspaces?continue="+strings.ReplaceAll(next, "&amp;", "&")).Body, `id="ws-ws-aa"`, "First page")
	has(t, "a filter", p.get(t, "/ui/workspaces?tier=large").Body, "1 workspace matches", `<option value="large" selected`, `id="ws-ws-ad"`)
	has(t, "a filter without a match", p.get(t, "/ui/workspaces?q=nothing&reason=Gone").Body, "No workspace matches",
		`value="nothing"`, `value="Gone"`)
	if got := p.get(t, "/ui/workspaces?sort=size"); got.Status != http.StatusBadRequest {
		t.Errorf("an unknown order: %d", got.Status)
	}
}

func TestPage_ShowsAWorkspace(t *testing.T) {
	w := fraud()
	w.Annotations[v1alpha1.AnnotationDeliveries] = `[{"id":"msg_2","received":"2026-11-20T08:41:02Z"},` +
		`{"id":"resync_1","received":"2026-11-20T08:41:00Z"}]`
	w.Status.Conditions = append(w.Status.Conditions,
		metav1.Condition{Type: "QuotaApplied", Status: "True", Reason: "Applied", LastTransitionTime: at(2)},
		metav1.Condition{
			Type: "FlyteProjectRegistered", Status: "False", Reason: "FlyteWrongVersion", Message: "v2 answers",
			LastTransitionTime: at(3),
		})
	p := newPages(newService(t, w))
	p.cached.tiers = []v1alpha1.WorkspaceTier{{ObjectMeta: metav1.ObjectMeta{Name: "standard"}}}
	p.cached.tiers[0].Spec.Network = v1alpha1.TierNetwork{EKSPodIdentity: true, Namespaces: []v1alpha1.NamespacePods{
		{Namespace: "databases", Ports: []v1alpha1.NetworkPort{{Port: 5432, EndPort: 5433}, {Port: 53, Protocol: "UDP"}}},
	}}
	p.live.events = []eventsv1.Event{
		{Type: "Warning", Reason: "Repaired", Note: "somebody changed it", Related: quotaOfFraud(), ReportingController: ours},
	}
	p.live.quotas = map[string]corev1.ResourceQuota{"flyte-fraud": {Status: corev1.ResourceQuotaStatus{
		Hard: corev1.ResourceList{
			"requests.cpu": resource.MustParse("40"), "pods": resource.MustParse("0"),
			"count/secrets": resource.MustParse("9"),
		},
		Used: corev1.ResourceList{"requests.cpu": resource.MustParse("12500m"), "pods": resource.MustParse("1")},
	}}, "flyte-fraud/workspace-priority-high": {Status: corev1.ResourceQuotaStatus{
		Hard: corev1.ResourceList{"pods": resource.MustParse("3")}, Used: corev1.ResourceList{"pods": resource.MustParse("2")},
	}}}
	has(t, "the page", p.get(t, "/ui/workspaces/fraud").Body,
		"Fraud detection", "Card fraud models", "FlyteProjectRegistered: FlyteWrongVersion", "v2 answers", "Correct ", "FLYTE_API_VERSION",
		"12.5 of 40", `class="fill" width="31"`, "2 more limits", "priority class high: Pods", "2 of 3",
		"ml-team", "cost-center=42", "msg_2", "Webhook,", "Resync,", "Repaired", "somebody changed it",
		"The workspace service accepted the report.", "2 objects, 1 repaired in the last hour", "terminating",
		"Agent of EKS Pod Identity", "Pods in databases", "ports 5432–5433, 53 UDP",
		"namespace flyte-system, ports 81", "10.0.0.0/8", "removed with all that is in them", `data-stream="/ui/live/workspaces/fraud"`)
	p.live.fault = errors.New("hunter2")
	got := p.get(t, "/ui/workspaces/fraud")
	has(t, "without the API server", got.Body, "Events are missing here", "It has no quota, or the API server does not answer")
	hasNot(t, "without the API server", got.Body, "hunter2")
	has(t, "what does not exist", p.get(t, "/ui/workspaces/other").Body, "there is no such workspace")
	if got := p.get(t, "/ui/open?id=a/b%20c"); got.Header.Get("Location") != "/ui/workspaces/a%2Fb%20c" {
		t.Errorf("the form leads to %s", got.Header.Get("Location"))
	}
}

func TestPage_ShowsTiers(t *testing.T) {
	p := newPages(newService(t, fraud(), ready("b", 5, metav1.ConditionFalse, v1alpha1.ReasonConflict)))
	p.cached.tiers = []v1alpha1.WorkspaceTier{
		{ObjectMeta: metav1.ObjectMeta{Name: "standard"}},
		{ObjectMeta: metav1.ObjectMeta{Name: "large"}},
	}
	p.cached.tiers[0].Spec.Quota.Default = v1alpha1.TierAmounts{
		Quota: v1alpha1.Quota{Extra: v1alpha1.ExtraAmounts{"count/jobs.batch": "50"}},
	}
	has(t, "the tiers", p.get(t, "/ui/tiers").Body, "2 workspaces", "1 not Ready", `href="/ui/tiers/large"`)
	has(t, "a tier", p.get(t, "/ui/tiers/standard").Body, "2 workspaces</a> with 2 namespaces",
		"1 workspace on it is not Ready", "count/jobs.batch", "every workspace")
	p.cached.tiers = nil
	has(t, "no tiers", p.get(t, "/ui/tiers").Body, "No tiers")
}

// TestPage_ShowsTextsAsTexts: nothing that somebody wrote becomes a part of the page.
func TestPage_ShowsTextsAsTexts(t *testing.T) {
	w := ready("script", 1, metav1.ConditionFalse, v1alpha1.ReasonConflict)
	const evil = `"><script>alert(1)</script>`
	w.Spec.DisplayName, w.Spec.Description, w.Spec.Owner = evil, evil, evil
	w.Spec.Members = []v1alpha1.Member{{Kind: "User", Name: evil, Role: "admin"}}
	w.Status.Conditions[0].Message = evil
	p := newPages(newService(t, w))
	p.live.events = []eventsv1.Event{{Reason: evil, Note: evil}}
	p.options.ConsoleURL = func(string) string { return "javascript:alert(1)" }
	p.options.DomainURLs = func(string) map[string]string { return map[string]string{"d": "javascript:alert(1)"} }
	p.cached.workspaces[0].Status.ProjectID = "x"
	for _, path := range []string{
		"/", "/ui/workspaces?q=script", "/ui/workspaces/script",
		"/ui/workspaces?tier=" + `%22%3E%3Cscript%3Ealert(1)`,
	} {
		hasNot(t, path, p.get(t, path).Body, "<script>", "javascript:")
	}
}

func TestPage_FragmentsAreThePagesContent(t *testing.T) {
	p := newPages(newService(t, fraud()))
	for _, path := range []string{"/", "/ui/workspaces", "/ui/workspaces/fraud", "/ui/tiers"} {
		whole, part := p.get(t, path), p.get(t, path, "HX-Request", "true")
		has(t, path, whole.Body, "<!doctype html>", `<div id="live"`)
		if !strings.HasPrefix(part.Body, `<div id="live" data-stream="/ui/live/`) {
			t.Errorf("%s: the fragment is %.60s", path, part.Body)
		}
		back := p.get(t, path, "HX-Request", "true", "HX-History-Restore-Request", "true")
		has(t, path+" from the history", back.Body, "<!doctype html>")
		for name, want := range map[string]string{"Cache-Control": "no-store", "Vary": "HX-Request, Cookie, Authorization"} {
			if whole.Header.Get(name) != want || part.Header.Get(name) != want {
				t.Errorf("%s: %s is %q and %q", path, name, whole.Header.Get(name), part.Header.Get(name))
			}
		}
	}
}

func TestPage_RunsOnlyItsOwnFiles(t *testing.T) {
	p := newPages(newService(t, fraud()))
	for _, path := range []string{"/", "/ui/workspaces", "/ui/workspaces/fraud", "/ui/tiers", "/ui/workspaces/other"} {
		got := p.get(t, path)
		const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
			"base-uri 'none'; frame-ancestors 'none'"
		if diff := cmp.Diff(policy, got.Header.Get("Content-Security-Policy")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
		if found := inline.FindString(got.Body); found != "" {
			t.Errorf("%s has something inline: %s", path, found)
		}
		for _, match := range loads.FindAllStringSubmatch(got.Body, -1) {
			if strings.HasPrefix(match[1], "/ui/static/") && p.get(t, match[1]).Status != http.StatusOK {
				t.Errorf("%s loads %s", path, match[1])
			}
		}
	}
	if got := p.get(t, "/ui/static/docs.js"); got.Status != http.StatusNotFound {
		t.Errorf("another file: %d", got.Status)
	}
}

func TestPage_AnswersWhileItCantRead(t *testing.T) {
	p := newPages(newService(t, fraud()))
	p.cached.fault = errors.New("hunter2")
	for _, path := range []string{"/", "/ui/workspaces", "/ui/workspaces/fraud", "/ui/tiers", "/ui/tiers/small"} {
		got := p.get(t, path)
		if got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" || strings.Contains(got.Body, "hunter2") {
			t.Errorf("%s: %d", path, got.Status)
		}
	}
	p.options.ChargeRead = func(*http.Request) error { return errors.New("too many") }
	if got := p.get(t, "/"); got.Status != http.StatusTooManyRequests || got.Header.Get("Retry-After") == "" {
		t.Errorf("above the limit: %d", got.Status)
	}
}

func TestPage_WorksBelowAPath(t *testing.T) {
	p := newPages(newService(t, fraud()))
	p.options.PublicURL = "https://company.com/base"
	got := p.get(t, "/ui/workspaces").Body
	for _, match := range loads.FindAllStringSubmatch(got, -1) {
		if !strings.HasPrefix(match[1], "/base/") && !strings.HasPrefix(match[1], "https://flyte/") && match[1] != "#content" {
			t.Errorf("the page leads to %s", match[1])
		}
	}
	has(t, "the page", got, `data-stream="/base/ui/live/workspaces"`, `hx-get="/base/ui/workspaces"`)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:8080/", http.NoBody)
	has(t, "through a port-forward", p.do(t, r).Body, `href="/ui/workspaces"`)
}

// TestPage_NeedsTheRightToReadWhatItShows: somebody who may read one workspace sees this one, without what others may see of it.
func TestPage_NeedsTheRightToReadWhatItShows(t *testing.T) {
	for path, right := range map[string]string{
		"/": "list workspaces", "/ui/workspaces": "list workspaces", "/ui/workspaces/fraud": "get workspaces fraud",
		"/ui/tiers": "list workspacetiers", "/ui/tiers/small": "get workspacetiers small",
	} {
		s, _, _ := guarded(t, right)
		p := newPages(s)
		if got := p.get(t, path, "Authorization", ana); got.Status != http.StatusOK {
			t.Errorf("%s: %d", path, got.Status)
		}
		s, r, _ := guarded(t, "list workspaces", "get workspaces fraud", "get workspaces", "list workspacetiers", "get workspacetiers small")
		delete(r.rights, right)
		p = newPages(s)
		got := p.get(t, path, "Authorization", ana)
		if got.Status != http.StatusForbidden || p.cached.calls.Load() > 0 {
			t.Errorf("%s without the right: %d, %d reads", path, got.Status, p.cached.calls.Load())
		}
		has(t, path, got.Body, "open it by its id")
	}
	s, _, _ := guarded(t, "get workspaces fraud")
	has(t, "without tiers", newPages(s).get(t, "/ui/workspaces/fraud", "Authorization", ana).Body, "may not read tiers")
	s, _, _ = guarded(t, "get workspacetiers small", "list workspacetiers")
	hasNot(t, "without workspaces", newPages(s).get(t, "/ui/tiers/small", "Authorization", ana).Body, "A change reaches")
}

// TestPage_KnowsEveryReason: each reason of v1alpha1 has a row in docs/operations.md.
func TestPage_KnowsEveryReason(t *testing.T) {
	for _, reason := range reasons(t) {
		w := ready("w", 1, metav1.ConditionFalse, reason)
		has(t, reason, newPages(newService(t, w)).get(t, "/ui/workspaces/w").Body, "What to do:")
	}
}
