package schemas

import (
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

// definition is the part of a CustomResourceDefinition that the schema needs.
type definition struct {
	Spec struct {
		Group string `json:"group"`
		Names struct {
			Kind string `json:"kind"`
		} `json:"names"`
		Versions []struct {
			Name   string `json:"name"`
			Schema struct {
				OpenAPIV3Schema schema `json:"openAPIV3Schema"`
			} `json:"schema"`
		} `json:"versions"`
	} `json:"spec"`
}

// WriteCRD writes into dir a schema for each version of the CustomResourceDefinition in file.
func WriteCRD(dir, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading a CRD: %w", err)
	}
	var crd definition
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return fmt.Errorf("parsing the CRD in %s: %w", file, err)
	}
	if crd.Spec.Names.Kind == "" {
		return fmt.Errorf("parsing the CRD in %s: it has no kind", file)
	}
	for _, version := range crd.Spec.Versions {
		s := closed(version.Schema.OpenAPIV3Schema)
		if properties, ok := s["properties"].(schema); ok { // the CRD does not describe it
			properties["metadata"] = schema{"type": "object"}
		}
		if err := write(dir, kind{crd.Spec.Group, version.Name, crd.Spec.Names.Kind}, s); err != nil {
			return err
		}
	}
	return nil
}
