// Command valuesschema writes the schema of a WorkspaceTier's spec, from its CRD, to the end of the chart's values.schema.json: a wrong
// tier then fails in helm lint, before anything is applied.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/yaml"
)

const (
	chart      = "charts/workspace-flyte-integration/"
	schemaFile = chart + "values.schema.json"
	crdFile    = chart + "crds/platform.company.com_workspacetiers.yaml"
	// generated is where the generated part begins.
	generated = "  \"$defs\": {\n"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "valuesschema:", err)
		os.Exit(1)
	}
}

func write() error {
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		return err
	}
	kept, _, found := bytes.Cut(text, []byte(generated))
	if !found {
		return errors.New(schemaFile + ` must end with "$defs"`)
	}
	spec, err := tierSpec()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	out.Write(kept)
	out.WriteString(generated + `    "workspaceTier": `)
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("    ", "  ")
	if err := encoder.Encode(spec); err != nil {
		return err
	}
	out.WriteString("  }\n}\n")
	return os.WriteFile(schemaFile, out.Bytes(), 0o600)
}

// tierSpec is the schema of a WorkspaceTier's spec, as JSON Schema has it.
func tierSpec() (any, error) {
	text, err := os.ReadFile(crdFile)
	if err != nil {
		return nil, err
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema struct {
						Properties map[string]any `json:"properties"`
					} `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return nil, fmt.Errorf("parsing %s: %w", crdFile, err)
	}
	spec := simplify(crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]).(map[string]any)
	spec["type"] = []string{"object", "null"} // null leaves a tier of the chart out
	return spec, nil
}

// simplify removes descriptions, defaults and Kubernetes' extensions, and refuses fields that the API server would drop.
func simplify(schema any) any {
	fields, ok := schema.(map[string]any)
	if !ok {
		return schema
	}
	simple := map[string]any{}
	for key, value := range fields {
		switch {
		case key == "description", key == "default", strings.HasPrefix(key, "x-kubernetes-"):
		case key == "properties":
			properties := map[string]any{}
			for name, of := range value.(map[string]any) {
				properties[name] = simplify(of)
			}
			simple[key] = properties
			if fields["x-kubernetes-preserve-unknown-fields"] != true {
				simple["additionalProperties"] = false
			}
		default:
			simple[key] = simplify(value)
		}
	}
	return simple
}
