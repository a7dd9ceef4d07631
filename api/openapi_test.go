package api_test

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"platform.company.com/workspace-flyte-integration/api/apitest"
)

// TestOpenAPI_IsValid looks at every example too.
func TestOpenAPI_IsValid(t *testing.T) {
	doc := apitest.Document(t)
	if !doc.IsOpenAPI31OrLater() {
		t.Errorf("it is OpenAPI %s", doc.OpenAPI)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableSchemaPatternValidation(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
}

// TestOpenAPI_ShowsEveryAnswer: each answer with a body of JSON has an example, and each that is to be repeated says when.
func TestOpenAPI_ShowsEveryAnswer(t *testing.T) {
	for path, item := range apitest.Document(t).Paths.Map() {
		for method, operation := range item.Operations() {
			for status, response := range operation.Responses.Map() {
				where := method + " " + path + " " + status
				if body := response.Value.Content["application/json"]; body != nil && len(body.Examples) == 0 {
					t.Errorf("%s has no example", where)
				}
				after := response.Value.Headers["Retry-After"]
				if repeated := status == "429" || status == "503"; repeated != (after != nil && after.Value.Required) {
					t.Errorf("%s: Retry-After is documented: %t", where, after != nil)
				}
			}
		}
	}
}
