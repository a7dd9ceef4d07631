// Package api has the description of the HTTP API. Its subdirectories are the API of Kubernetes objects.
package api

import _ "embed"

// OpenAPI is the OpenAPI 3.1 document of what the service answers over HTTP, in YAML. The tests of the edge hold every
// one of their answers against it.
//
//go:embed openapi.yaml
var OpenAPI []byte
