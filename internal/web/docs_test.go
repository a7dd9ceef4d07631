package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v5"

	"platform.company.com/workspace-flyte-integration/api"
	"platform.company.com/workspace-flyte-integration/internal/web"
)

// answer is a response, decompressed.
type answer struct {
	Status int
	Header http.Header
	Body   string
}

func get(t *testing.T, path string, headers ...string) answer {
	t.Helper()
	e := echo.New()
	web.Docs{}.Register(e)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	body := io.Reader(w.Body)
	if w.Header().Get("Content-Encoding") == "gzip" {
		var err error
		if body, err = gzip.NewReader(w.Body); err != nil {
			t.Fatal(err)
		}
	}
	content, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{Status: w.Code, Header: w.Header(), Body: string(content)}
}

func TestDocs_ServesTheDocument(t *testing.T) {
	r := get(t, "/openapi.yaml")
	if diff := cmp.Diff(string(api.OpenAPI), r.Body); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if mediaType := r.Header.Get("Content-Type"); mediaType != "application/yaml" {
		t.Errorf("it is %s", mediaType)
	}
}

// everything are all paths that are served.
var everything = []string{"/openapi.yaml", "/docs", "/docs/docs.js", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js"}

func TestDocs_AnswersWhetherAKnownFileIsStillRight(t *testing.T) {
	for _, path := range everything {
		first := get(t, path)
		etag := first.Header.Get("ETag")
		if first.Status != http.StatusOK || etag == "" || first.Header.Get("Cache-Control") != "no-cache" {
			t.Fatalf("%s: %d, ETag %q, Cache-Control %q", path, first.Status, etag, first.Header.Get("Cache-Control"))
		}
		for known, status := range map[string]int{etag: 304, `"other", W/` + etag: 304, `"other"`: 200} {
			again := get(t, path, "If-None-Match", known)
			if body := again.Body; again.Status != status || (body == "") != (status == http.StatusNotModified) {
				t.Errorf("%s, known as %s: %d with %d bytes", path, known, again.Status, len(body))
			}
		}
	}
}

func TestDocs_KeepsBrowsersOnASafePath(t *testing.T) {
	for _, path := range everything {
		if got := get(t, path).Header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: X-Content-Type-Options is %q", path, got)
		}
	}
	page := get(t, "/docs").Header
	policy := strings.Split(page.Get("Content-Security-Policy"), "; ")
	want := []string{
		"default-src 'none'", "script-src 'self'", "style-src 'self' 'unsafe-inline'", "img-src data:", "connect-src 'self'",
		"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
	}
	if diff := cmp.Diff(want, policy); diff != "" {
		t.Errorf("the policy (-want +got):\n%s", diff)
	}
	if got := page.Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("Referrer-Policy is %q", got)
	}
}

var (
	loads     = regexp.MustCompile(`(?:src|href)="([^"]*)"`)
	inline    = regexp.MustCompile(`<script[^>]*>[^<]|<style| style=| on[a-z]+=`)
	otherHost = regexp.MustCompile(`(?i)(?:url\(|@import)\s*["']?(?:https?:)?//`)
)

// TestDocs_LoadsNothingFromElsewhere: all that the page names is served here, and nothing in it is for a browser to run.
func TestDocs_LoadsNothingFromElsewhere(t *testing.T) {
	page := get(t, "/docs").Body
	if found := inline.FindString(page); found != "" {
		t.Errorf("the page has something inline, which its policy forbids: %s", found)
	}
	named := map[string]bool{}
	for _, match := range loads.FindAllStringSubmatch(page, -1) {
		named["/"+match[1]] = true
	}
	delete(named, "/data:,")
	for path := range named {
		if !slices.Contains(everything, path) {
			t.Errorf("the page loads %s", path)
		}
	}
	if len(named) != 4 {
		t.Errorf("the page names %v", named)
	}
	if found := otherHost.FindString(get(t, "/docs/swagger-ui.css").Body); found != "" {
		t.Errorf("the style sheet loads %s", found)
	}
	script := get(t, "/docs/docs.js").Body
	if strings.Contains(script, "://") || !strings.Contains(script, "validatorUrl: null") {
		t.Errorf("the script names another host, or leaves Swagger UI its validator on another host:\n%s", script)
	}
}

func TestDocs_HasNoOtherFiles(t *testing.T) {
	for _, path := range []string{"/docs/", "/docs/docs.html", "/docs/swagger-ui.css.gz", "/docs/..%2fdocs.go", "/docs/static/docs.js"} {
		if status := get(t, path).Status; status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}
