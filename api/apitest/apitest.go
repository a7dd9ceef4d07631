// Package apitest gives tests the parsed OpenAPI document.
package apitest

import (
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"platform.company.com/workspace-flyte-integration/api"
)

var parse = sync.OnceValues(func() (*openapi3.T, error) { return openapi3.NewLoader().LoadFromData(api.OpenAPI) })

// Document returns the OpenAPI document. It is parsed once and shared by all tests of a package: do not change it.
func Document(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := parse()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
