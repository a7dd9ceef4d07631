package webhook_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"platform.company.com/workspace-flyte-integration/api/apitest"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// conforms holds an answer against the OpenAPI document. What no handler of a described route has answered (another path,
// another method, net/http itself) needs only be a problem.
func conforms(t *testing.T, r *http.Response, body []byte) {
	t.Helper()
	if r.StatusCode == http.StatusRequestHeaderFieldsTooLarge || strings.HasPrefix(string(body), "400 Bad Request") {
		return // net/http's own
	}
	doc := apitest.Document(t)
	route := routeOf(doc, r.Request)
	if route == nil || route.Operation.Responses.Status(r.StatusCode) == nil && isRouters(r.StatusCode) {
		isProblem(t, doc, r, body)
		return
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r.Request, Route: route},
		Status:                 r.StatusCode,
		Header:                 r.Header,
		Options:                &openapi3filter.Options{IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateResponse(t.Context(), input.SetBodyBytes(body)); err != nil {
		t.Errorf("%s %s: the answer is not what openapi.yaml says: %v", r.Request.Method, r.Request.URL.Path, err)
	}
	onlyDescribed(t, route, r)
}

// routeOf is the described route of a request; where the test does not say what was asked, there is none.
func routeOf(doc *openapi3.T, r *http.Request) *routers.Route {
	if r == nil || r.URL == nil {
		return nil
	}
	item := doc.Paths.Value(r.URL.EscapedPath())
	if item == nil {
		return nil
	}
	method := r.Method
	if method == http.MethodHead && item.Get != nil {
		method = http.MethodGet
	}
	operation := item.Operations()[method]
	if operation == nil {
		return nil
	}
	return &routers.Route{Spec: doc, Path: r.URL.Path, PathItem: item, Method: method, Operation: operation}
}

// isRouters reports whether the router may answer this status at every path.
func isRouters(status int) bool {
	return status == http.StatusNotFound || status == http.StatusMethodNotAllowed
}

func isProblem(t *testing.T, doc *openapi3.T, r *http.Response, body []byte) {
	t.Helper()
	if mediaType := r.Header.Get("Content-Type"); r.StatusCode < http.StatusBadRequest || mediaType != "application/problem+json" {
		t.Errorf("no route of openapi.yaml answers %d with %s", r.StatusCode, mediaType)
	}
	if len(body) == 0 { // of a HEAD
		return
	}
	var value map[string]any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Errorf("a problem is no JSON: %v", err)
	}
	if err := doc.Components.Schemas["Problem"].Value.VisitJSON(value, openapi3.EnableJSONSchema2020()); err != nil {
		t.Errorf("this is not the Problem of openapi.yaml: %v", err)
	}
	if status := value["status"]; status != float64(r.StatusCode) {
		t.Errorf("the problem of a %d says %v", r.StatusCode, status)
	}
}

// onlyDescribed refuses headers that are in no description. Some are of every answer of HTTP.
func onlyDescribed(t *testing.T, route *routers.Route, r *http.Response) {
	t.Helper()
	response := route.Operation.Responses.Status(r.StatusCode)
	if response == nil {
		return
	}
	for name := range r.Header {
		isDescribed := func(described string) bool { return strings.EqualFold(described, name) }
		everywhere := []string{"Content-Type", "Content-Length", "Date", "Connection"}
		if !slices.ContainsFunc(everywhere, isDescribed) && response.Value.Headers[name] == nil {
			t.Errorf("%s %s: openapi.yaml has no header %s in its %d", route.Method, route.Path, name, r.StatusCode)
		}
	}
}

// TestOpenAPI_ExamplesAreAccepted: every example passes the rules, and is answered 2xx by the real handler.
func TestOpenAPI_ExamplesAreAccepted(t *testing.T) {
	for _, path := range []string{hooks, provision} {
		for name, example := range apitest.Document(t).Paths.Value(path).Post.RequestBody.Value.Content["application/json"].Examples {
			t.Run(path+" "+name, func(t *testing.T) {
				body, err := json.Marshal(example.Value.Value)
				if err != nil {
					t.Fatal(err)
				}
				e := newEdge(t)
				large := e.store.tiers["standard"].DeepCopy()
				e.store.tiers["large"] = large
				e.store.controller = setsReady("True", "Ready")
				if got := e.post(t, path, "msg_1", string(body)); got.Status >= http.StatusMultipleChoices {
					t.Errorf("answered %d %s", got.Status, got.Body)
				}
			})
		}
	}
}

// TestOpenAPI_NamesEveryType: the known event types, and no others.
func TestOpenAPI_NamesEveryType(t *testing.T) {
	schemas := apitest.Document(t).Components.Schemas
	typeOf := func(schema string) *openapi3.Schema { return schemas[schema].Value.Properties["type"].Value }
	var named []any
	for _, schema := range []string{"ContentEvent", "StateEvent"} {
		named = append(named, typeOf(schema).Enum...)
	}
	named = append(named, typeOf("PingEvent").Const)
	if others := typeOf("OtherEvent").Not.Value.Enum; !slices.Equal(named, others) {
		t.Errorf("acted on: %v; not among the others: %v", named, others)
	}
	for _, name := range named {
		text, _ := name.(string)
		content := slices.Contains(typeOf("ContentEvent").Enum, name)
		if known := workspace.EventType(text); !known.Known() || known.HasContent() != content {
			t.Errorf("%s is known: %t, with content: %t", text, known.Known(), known.HasContent())
		}
	}
	if len(named) != 6 {
		t.Errorf("there are %d types", len(named))
	}
}
