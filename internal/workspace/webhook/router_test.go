package webhook_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v5"

	"platform.company.com/workspace-flyte-integration/internal/workspace/webhook"
)

// broken is a route whose handler panics.
type broken struct{}

func (broken) Register(e *echo.Echo) {
	e.GET("/broken", func(*echo.Context) error { panic("hunter2") })
}

var notFound = refused(http.StatusNotFound, "no such path")

func notAllowed(allow string) answer {
	return refused(http.StatusMethodNotAllowed,
		"this path does not accept this method; the header Allow lists those that it accepts", "Allow", allow)
}

// TestRouter_AnswersEveryPathAndMethodItself: nothing is redirected, cleaned or decoded into a route.
func TestRouter_AnswersEveryPathAndMethodItself(t *testing.T) {
	post, get := notAllowed("POST"), notAllowed("GET, HEAD")
	tests := map[string]answer{
		"POST /":                               notFound,
		"POST /webhooks":                       notFound,
		"POST /webhooks/workspace/":            notFound,
		"POST //webhooks/workspace":            notFound,
		"POST /webhooks//workspace":            notFound,
		"POST /./webhooks/workspace":           notFound,
		"POST /webhooks/../webhooks/workspace": notFound,
		"POST /webhooks%2Fworkspace":           notFound,
		"POST /webhooks/%77orkspace":           notFound,
		"POST /webhooks/workspace%00":          notFound,
		"POST /webhooks/workspace;x=1":         notFound,
		"POST /WEBHOOKS/WORKSPACE":             notFound,
		"POST /provision/":                     notFound,
		"POST /provision/..%2f":                notFound,
		"OPTIONS *":                            notFound,
		"GET /favicon.ico":                     notFound,
		"GET /webhooks/workspace":              post,
		"HEAD /webhooks/workspace":             {Status: post.Status, Header: post.Header},
		"OPTIONS /webhooks/workspace":          post,
		"PUT /webhooks/workspace":              post,
		"PATCH /webhooks/workspace":            post,
		"DELETE /webhooks/workspace":           post,
		"TRACE /webhooks/workspace":            post,
		"CONNECT /webhooks/workspace":          post,
		"POSTX /webhooks/workspace":            post,
		"post /webhooks/workspace":             post,
		"GET /provision":                       post,
		"HEAD /provision":                      {Status: post.Status, Header: post.Header},
		"OPTIONS /provision":                   post,
		"POST /health":                         get,
		"OPTIONS /health":                      get,
		"DELETE /readyz":                       get,
		"POST /webhooks/workspace?x=1":         refused(http.StatusUnauthorized, signatureDetail),
		"POST http://evil.example/provision":   refused(http.StatusUnauthorized, signatureDetail),
		"GET /broken":                          refused(http.StatusInternalServerError, "the service failed; try again later"),
	}
	e := newEdge(t)
	for line, want := range tests {
		t.Run(line, func(t *testing.T) {
			got := e.raw(t, line+" HTTP/1.1\r\nHost: integration\r\nContent-Length: 0\r\n\r\n")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRouter_IgnoresWhatWouldChangeTheMethod(t *testing.T) {
	got := newEdge(t).raw(t, "GET /webhooks/workspace?_method=POST HTTP/1.1\r\nHost: integration\r\nX-HTTP-Method-Override: POST\r\n\r\n")
	if diff := cmp.Diff(notAllowed("POST"), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRouter_LogsCausesAndNoSecrets(t *testing.T) {
	var server *http.Server
	e := newEdge(t, func(_ *webhook.Options, s *http.Server) { server = s })
	e.post(t, hooks, "msg_1", sample)
	e.do(t, e.get(t, "/broken"))
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := e.log.String()
	for _, want := range []string{`msg="stored an event" delivery=msg_1 type=workspace.created workspace=ws-001 version=7 took=`, "hunter2"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	for _, never := range []string{"whsec_", "v1,", "Card fraud models"} {
		if strings.Contains(log, never) {
			t.Errorf("the log holds %q:\n%s", never, log)
		}
	}
}

func (e *edge) get(t *testing.T, path string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+e.address+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
