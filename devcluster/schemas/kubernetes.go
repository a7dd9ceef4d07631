package schemas

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	definitionPrefix = "#/definitions/"
	quantity         = "io.k8s.apimachinery.pkg.api.resource.Quantity"
)

// openAPI is the part of Kubernetes' api/openapi-spec/swagger.json that the schemas need.
type openAPI struct {
	Definitions map[string]schema `json:"definitions"`
}

// WriteKubernetes writes into dir a schema for each kind of Kubernetes, whose module is in the directory module.
func WriteKubernetes(dir, module string) error {
	text, err := os.ReadFile(filepath.Join(module, "api", "openapi-spec", "swagger.json"))
	if err != nil {
		return fmt.Errorf("reading Kubernetes' OpenAPI document: %w", err)
	}
	var document openAPI
	if err := json.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("parsing Kubernetes' OpenAPI document: %w", err)
	}
	for name, definition := range document.Definitions {
		document.Definitions[name] = closed(definition)
	}
	document.Definitions[quantity] = schema{"type": []any{"string", "number"}}
	for name, definition := range document.Definitions {
		for _, k := range kindsOf(definition) {
			if err := write(dir, k, document.standalone(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// kindsOf are the kinds that a definition describes.
func kindsOf(definition schema) []kind {
	all, _ := definition["x-kubernetes-group-version-kind"].([]any)
	var kinds []kind
	for _, each := range all {
		k, _ := each.(schema)
		group, _ := k["group"].(string)
		version, _ := k["version"].(string)
		name, _ := k["kind"].(string)
		kinds = append(kinds, kind{group, version, name})
	}
	return kinds
}

// standalone is a definition with everything that it refers to. Definitions may be recursive.
func (d openAPI) standalone(name string) schema {
	reached := schema{}
	d.reach(name, reached)
	return schema{"$schema": "http://json-schema.org/draft-07/schema#", "$ref": definitionPrefix + name, "definitions": reached}
}

func (d openAPI) reach(name string, reached schema) {
	if reached[name] != nil || d.Definitions[name] == nil {
		return
	}
	reached[name] = d.Definitions[name]
	for _, reference := range references(d.Definitions[name]) {
		d.reach(reference, reached)
	}
}

func references(value any) (names []string) {
	switch v := value.(type) {
	case schema:
		if reference, ok := v["$ref"].(string); ok {
			names = append(names, strings.TrimPrefix(reference, definitionPrefix))
		}
		for _, each := range v {
			names = append(names, references(each)...)
		}
	case []any:
		for _, each := range v {
			names = append(names, references(each)...)
		}
	}
	return names
}
