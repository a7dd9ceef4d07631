package web_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// reasons are the values of the constants Reason… of v1alpha1.
func reasons(t *testing.T) (values []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../api/v1alpha1/conditions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if ok && strings.HasPrefix(spec.Names[0].Name, "Reason") {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
		return true
	})
	if len(values) < 40 {
		t.Fatalf("there are %d reasons", len(values))
	}
	return values
}

const public = "https://workspaces.company.com"

// post sends a form as a browser does, from a page of this site.
func (p *pages) post(t *testing.T, to string, form url.Values, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(form.Encode()))
	if len(headers) == 0 {
		headers = []string{"Sec-Fetch-Site", "same-origin"}
	}
	return p.do(t, r, append(headers, "Content-Type", "application/x-www-form-urlencoded")...)
}

// jwt is a token that says when it expires.
func jwt(expires time.Time) string {
	return "e30." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"exp":%d}`, expires.Unix())) + ".sig"
}

func TestSignIn_KeepsTheTokenInACookie(t *testing.T) {
	s, r, _ := guarded(t, "list workspaces")
	p := newPages(s)
	short := jwt(time.Now().Add(10*time.Minute + time.Second))
	r.users[short] = r.users["of-ana"]
	for name, c := range map[string]struct{ to, token, cookie string }{
		"over TLS":    {public, "of-ana", "__Host-workspaces=of-ana; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Strict"},
		"on loopback": {"http://localhost:8080", "of-ana", "workspaces-loopback=of-ana; Path=/; Max-Age=3600; HttpOnly; SameSite=Strict"},
		"by IPv6":     {"http://[::1]:8080", "of-ana", "workspaces-loopback=of-ana; Path=/; Max-Age=3600; HttpOnly; SameSite=Strict"},
		"with spaces": {public, " Bearer of-ana\r\n", "__Host-workspaces=of-ana; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Strict"},
	} {
		got := p.post(t, c.to+"/ui/signin", url.Values{"token": {c.token}, "next": {"/ui/workspaces?q=a"}})
		if diff := cmp.Diff(c.cookie, got.Header.Get("Set-Cookie")); diff != "" || got.Status != http.StatusSeeOther {
			t.Errorf("%s: %d (-want +got):\n%s", name, got.Status, diff)
		}
		if location := got.Header.Get("Location"); location != "/ui/workspaces?q=a" {
			t.Errorf("%s: to %s", name, location)
		}
	}
	soon := p.post(t, public+"/ui/signin", url.Values{"token": {short}}).Header.Get("Set-Cookie")
	if cookie, err := http.ParseSetCookie(soon); err != nil || cookie.MaxAge > 600 || cookie.MaxAge < 500 {
		t.Errorf("a token that soon expires stays in %s", soon)
	}
	got := p.get(t, "/", "Cookie", "__Host-workspaces=of-ana")
	if got.Status != http.StatusOK {
		t.Errorf("with the cookie: %d", got.Status)
	}
	has(t, "with the cookie", got.Body, "Sign out", ">ana<")
	hasNot(t, "with a proxy's token", p.get(t, "/", "Authorization", ana).Body, "Sign out")
	if got := p.get(t, "/workspaces", "Cookie", "__Host-workspaces=of-ana"); got.Status != http.StatusUnauthorized {
		t.Errorf("the read API takes cookies: %d", got.Status)
	}
}

func TestSignIn_SaysWhatIsWrongWithATextThatIsNoToken(t *testing.T) {
	s, r, _ := guarded(t, "list workspaces")
	p := newPages(s)
	for pasted, want := range map[string]string{
		"": "Paste a token", "Bearer ": "Paste a token", "a b": "space or a line break", "eyJ\neyJ": "space or a line break",
		`"eyJ"`:                   "no quotes",
		strings.Repeat("a", 4001): "4001 bytes long", "eyJ;": "This is no token", "ähm": "This is no token",
	} {
		got := p.post(t, public+"/ui/signin", url.Values{"token": {pasted}})
		if got.Status != http.StatusUnprocessableEntity || got.Header.Get("Set-Cookie") != "" {
			t.Errorf("%.20q: %d", pasted, got.Status)
		}
		has(t, pasted, got.Body, want, `role="alert"`)
	}
	if len(r.calls) > 0 {
		t.Errorf("the API server was asked: %v", r.calls)
	}
	got := p.post(t, public+"/ui/signin", url.Values{"token": {"wrong"}})
	has(t, "a wrong token", got.Body, "does not accept this token")
	if got.Status != http.StatusUnauthorized || got.Header.Get("Set-Cookie") != "" || strings.Contains(got.Body, "wrong<") {
		t.Errorf("a wrong token: %d", got.Status)
	}
	if got := p.post(t, public+"/ui/signin", url.Values{"token": {strings.Repeat("a", 40000)}}); got.Status != http.StatusBadRequest {
		t.Errorf("a very long one: %d", got.Status)
	}
	r.fault = errors.New("connection refused")
	if got := p.post(t, public+"/ui/signin", url.Values{"token": {"other"}}); got.Status != http.StatusServiceUnavailable {
		t.Errorf("without the API server: %d", got.Status)
	}
}

// TestSignIn_RefusesPlainHTTP: a token must not be sent where others can read it.
func TestSignIn_RefusesPlainHTTP(t *testing.T) {
	s, _, _ := guarded(t, "list workspaces")
	p := newPages(s)
	const plain = "http://workspaces.company.com/ui/signin"
	got := p.post(t, plain, url.Values{"token": {"of-ana"}})
	if got.Status != http.StatusUnprocessableEntity || got.Header.Get("Set-Cookie") != "" {
		t.Errorf("%d %v", got.Status, got.Header)
	}
	form := p.do(t, httptest.NewRequestWithContext(t.Context(), http.MethodGet, plain, http.NoBody)).Body
	has(t, "the form", form, "must not be sent over plain HTTP")
	hasNot(t, "the form", form, "<textarea")
	p.options.PublicURL = "https://workspaces.company.com" // a proxy ends TLS
	has(t, "behind a proxy", p.post(t, plain, url.Values{"token": {"of-ana"}}).Header.Get("Set-Cookie"), "__Host-workspaces", "Secure")
	forwarded := p.post(t, "http://localhost/ui/signin", url.Values{"token": {"of-ana"}}, "X-Forwarded-For", "1.2.3.4",
		"Sec-Fetch-Site", "same-origin")
	has(t, "a proxy on the same host", forwarded.Header.Get("Set-Cookie"), "__Host-workspaces", "Secure")
}

func TestSignIn_RefusesFormsOfOtherSites(t *testing.T) {
	s, _, _ := guarded(t, "list workspaces")
	p := newPages(s)
	p.options.PublicURL = "https://public.company.com"
	for name, c := range map[string]struct {
		headers []string
		status  int
	}{
		"another site": {[]string{"Sec-Fetch-Site", "cross-site"}, 403}, "another host of the site": {[]string{
			"Sec-Fetch-Site",
			"same-site",
		}, 403},
		"another origin": {[]string{"Origin", "https://evil.example"}, 403}, "a hidden origin": {[]string{"Origin", "null"}, 403},
		"no browser": {[]string{"Accept", "*/*"}, 403}, "an old browser": {[]string{"Origin", public}, 303},
		"the public name": {[]string{"Origin", "https://public.company.com"}, 303},
	} {
		for _, path := range []string{"/ui/signin", "/ui/signout"} {
			if got := p.post(t, public+path, url.Values{"token": {"of-ana"}}, c.headers...); got.Status != c.status {
				t.Errorf("%s, %s: %d", name, path, got.Status)
			}
		}
	}
}

func TestSignIn_LeadsOnlyToPages(t *testing.T) {
	s, _, _ := guarded(t, "list workspaces")
	p := newPages(s)
	for next, want := range map[string]string{
		"/ui/workspaces/a?x=%2F": "/ui/workspaces/a?x=%2F", "/": "/", "/?q=1": "/?q=1", "": "/", "https://evil.example/": "/",
		"//evil.example": "/", `/\evil.example`: "/", "/ui//evil.example": "/", "/ui/../..": "/", "javascript:alert(1)": "/",
		"/ui/signin": "/", "/ui/signout": "/", "/ui/live/overview": "/", "/workspaces": "/", "/ui/\r\nX: y": "/", "/ui/%0d%0aX": "/ui/%0D%0AX",
	} {
		got := p.post(t, public+"/ui/signin", url.Values{"token": {"of-ana"}, "next": {next}}).Header.Get("Location")
		if got != want {
			t.Errorf("%q leads to %q", next, got)
		}
		has(t, next, p.get(t, "/ui/signin?next="+url.QueryEscape(next)).Body, `name="next" value="`+strings.ReplaceAll(want, "&", "&amp;")+`"`)
	}
}

// TestSignIn_FollowsTheEndOfASession: one navigation of the whole page leads to the sign-in, and from there back.
func TestSignIn_FollowsTheEndOfASession(t *testing.T) {
	s, _, _ := guarded(t, "list workspaces")
	p := newPages(s)
	const next = "/ui/signin?next=%2Fui%2Fworkspaces%3Fq%3Da"
	got := p.get(t, "/ui/workspaces?q=a")
	if got.Status != http.StatusSeeOther || got.Header.Get("Location") != next {
		t.Errorf("without a token: %d to %s", got.Status, got.Header.Get("Location"))
	}
	const ended = "/ui/signin?ended=1&next=%2Fui%2Fworkspaces%3Fq%3Da"
	got = p.get(t, "/ui/workspaces?q=a", "Cookie", "__Host-workspaces=old", "HX-Request", "true")
	if got.Status != http.StatusUnauthorized || got.Header.Get("HX-Redirect") != ended || got.Body != "" {
		t.Errorf("a fragment: %d to %s: %s", got.Status, got.Header.Get("HX-Redirect"), got.Body)
	}
	has(t, "the form", p.get(t, ended).Body, "Your session has ended", "/ui/workspaces?q=a")
	got = p.get(t, "/", "Authorization", "Bearer wrong", "Cookie", "__Host-workspaces=of-ana")
	if got.Status != http.StatusUnauthorized {
		t.Errorf("a proxy's token that is refused: %d", got.Status)
	}
	has(t, "a proxy's token that is refused", got.Body, "sign in there again")
}

func TestSignOut_ForgetsTheToken(t *testing.T) {
	s, _, _ := guarded(t, "list workspaces")
	got := newPages(s).post(t, public+"/ui/signout", nil, "Sec-Fetch-Site", "same-origin", "Cookie", "__Host-workspaces=of-ana")
	if got.Status != http.StatusSeeOther || got.Header.Get("Location") != "/ui/signin" {
		t.Errorf("%d to %s", got.Status, got.Header.Get("Location"))
	}
	const want = "__Host-workspaces=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict"
	if diff := cmp.Diff(want, got.Header.Get("Set-Cookie")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSignIn_IsNotNeededWithoutAuthentication: with API_AUTH=none nobody has a token.
func TestSignIn_IsNotNeededWithoutAuthentication(t *testing.T) {
	p := newPages(newService(t, fraud()))
	if got := p.get(t, "/ui/signin?next=/ui/tiers"); got.Status != http.StatusSeeOther || got.Header.Get("Location") != "/" {
		t.Errorf("%d", got.Status)
	}
	hasNot(t, "the page", p.get(t, "/", "Cookie", "__Host-workspaces=x").Body, "Sign out")
}
