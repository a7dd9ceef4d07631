// Package schemas generates JSON Schemas for kubeconform from CRDs and from the OpenAPI document in the Kubernetes module. So they have
// the control plane's version and need no other download.
package schemas

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// schema is a JSON Schema, or a part of one.
type schema = map[string]any

// kind determines the name of a schema file.
type kind struct{ group, version, kind string }

// file is kubeconform's {{.ResourceKind}}{{.KindSuffix}}.json.
func (k kind) file() string {
	parts := []string{k.kind}
	if k.group != "" {
		group, _, _ := strings.Cut(k.group, ".")
		parts = append(parts, group)
	}
	return strings.ToLower(strings.Join(append(parts, k.version), "-")) + ".json"
}

// write writes one schema into dir.
func write(dir string, k kind, s schema) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encoding the schema of %s: %w", k.kind, err)
	}
	if err := os.WriteFile(filepath.Join(dir, k.file()), text, 0o600); err != nil {
		return fmt.Errorf("writing the schema of %s: %w", k.kind, err)
	}
	return nil
}

// closed makes a schema refuse unknown fields at every depth, and accept numbers and strings where Kubernetes does.
func closed(s schema) schema {
	out := schema{}
	for key, value := range s {
		out[key] = closedValue(key, value)
	}
	_, object := s["properties"]
	_, open := s["additionalProperties"]
	if object && !open && s["x-kubernetes-preserve-unknown-fields"] != true {
		out["additionalProperties"] = false
	}
	if s["x-kubernetes-int-or-string"] == true || s["format"] == "int-or-string" {
		return schema{"type": []any{"string", "integer"}}
	}
	return out
}

func closedValue(key string, value any) any {
	switch v := value.(type) {
	case schema:
		if key == "properties" || key == "definitions" { // its keys are names, not keywords
			named := schema{}
			for name, s := range v {
				named[name] = closed(s.(schema))
			}
			return named
		}
		if key == "default" || key == "example" {
			return v
		}
		return closed(v)
	case []any: // allOf and oneOf only constrain a schema that is closed already
		return v
	}
	return value
}
