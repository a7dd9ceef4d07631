package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"platform.company.com/workspace-flyte-integration/api/apitest"
)

// TestDocs_AnswersAsTheDocumentSays: the document describes its own routes, too.
func TestDocs_AnswersAsTheDocumentSays(t *testing.T) {
	doc := apitest.Document(t)
	for _, path := range everything {
		described := path
		if strings.HasPrefix(path, "/docs/") {
			described = "/docs/{asset}"
		}
		first := get(t, path)
		for _, got := range []answer{first, get(t, path, "If-None-Match", first.Header.Get("ETag"))} {
			conforms(t, path, doc.Paths.Value(described).Get, got)
		}
	}
}

// conforms compares an answer's status, media type and headers with their description, both ways.
func conforms(t *testing.T, path string, operation *openapi3.Operation, got answer) {
	t.Helper()
	described := operation.Responses.Status(got.Status)
	if described == nil {
		t.Fatalf("%s: no %d is described", path, got.Status)
	}
	headers := map[string]*openapi3.HeaderRef{}
	for name, header := range described.Value.Headers {
		headers[http.CanonicalHeaderKey(name)] = header
		if header.Value.Required && got.Header.Get(name) == "" {
			t.Errorf("%s, %d: there is no %s", path, got.Status, name)
		}
	}
	for name, values := range got.Header {
		header := headers[name]
		switch {
		case name == "Content-Type":
			if described.Value.Content.Get(values[0]) == nil {
				t.Errorf("%s: no %s is described", path, values[0])
			}
		case header == nil:
			t.Errorf("%s, %d: no header %s is described", path, got.Status, name)
		default:
			if err := header.Value.Schema.Value.VisitJSON(values[0], openapi3.EnableJSONSchema2020()); err != nil {
				t.Errorf("%s, %d: header %s: %v", path, got.Status, name, err)
			}
		}
	}
	if got.Status == http.StatusNotModified && got.Body != "" {
		t.Errorf("%s: an unchanged file was sent again", path)
	}
}
