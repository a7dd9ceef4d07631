package crd

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/openapi"
)

// OpenAPI is the API server's description of its API, which every account may read.
type OpenAPI = openapi.ClientWithContext

// MissingFields returns the fields of this version that the cluster's CRDs lack, as "CRD: path". The API server drops such fields of
// what is written, without an error where the client does not ask for one. It is empty if the cluster has no such CRD at all.
func MissingFields(ctx context.Context, served OpenAPI) (missing []string, err error) {
	crds, err := Embedded()
	if err != nil {
		return nil, err
	}
	paths, err := served.PathsWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the API server's OpenAPI paths: %w", err)
	}
	for _, crd := range crds {
		fieldPaths, err := missingIn(ctx, paths, crd)
		if err != nil {
			return nil, err
		}
		for _, path := range fieldPaths {
			missing = append(missing, crd.GetName()+": "+path)
		}
	}
	return missing, nil
}

// missingIn returns the paths of the fields that the cluster's version of a CRD lacks, if the cluster has one.
func missingIn(
	ctx context.Context, served map[string]openapi.GroupVersionWithContext, crd *unstructured.Unstructured,
) (paths []string, err error) {
	want, err := describe(crd)
	if err != nil {
		return nil, err
	}
	described, ok := served["apis/"+want.Group+"/"+want.Version]
	if !ok {
		return nil, nil
	}
	document, err := described.SchemaWithContext(ctx, runtime.ContentTypeJSON)
	if err != nil {
		return nil, fmt.Errorf("reading the API server's schema of %s: %w", want.Group, err)
	}
	have, err := servedSchema(document, want.GroupVersionKind)
	if err != nil || have == nil {
		return nil, err
	}
	return absent(want.fields, have, ""), nil
}

// fields is the part of an OpenAPI schema that names fields.
type fields struct {
	Properties           map[string]fields `json:"properties"`
	Items                *fields           `json:"items"`
	AdditionalProperties *fields           `json:"additionalProperties"`
}

// definition is what a CRD is about.
type definition struct {
	schema.GroupVersionKind
	fields
}

// describe returns the newest version of a CRD.
func describe(crd *unstructured.Unstructured) (definition, error) {
	var parsed struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Schema struct {
					OpenAPIV3Schema fields `json:"openAPIV3Schema"`
				}
			}
		}
	}
	text, err := crd.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(text, &parsed)
	}
	if err != nil {
		return definition{}, fmt.Errorf("reading CRD %q: %w", crd.GetName(), err)
	}
	newest := parsed.Spec.Versions[len(parsed.Spec.Versions)-1]
	kind := schema.GroupVersionKind{Group: parsed.Spec.Group, Version: newest.Name, Kind: parsed.Spec.Names.Kind}
	return definition{kind, newest.Schema.OpenAPIV3Schema}, nil
}

// servedSchema is the schema of a kind in an OpenAPI document, or nil.
func servedSchema(document []byte, of schema.GroupVersionKind) (*fields, error) {
	var parsed struct {
		Components struct {
			Schemas map[string]struct {
				fields
				Kinds []schema.GroupVersionKind `json:"x-kubernetes-group-version-kind"`
			}
		}
	}
	if len(document) == 0 { // the API server has just removed the CRD
		return nil, nil //nolint:nilnil // as below
	}
	if err := json.Unmarshal(document, &parsed); err != nil {
		return nil, fmt.Errorf("parsing the API server's schema of %s: %w", of.Group, err)
	}
	for _, s := range parsed.Components.Schemas {
		if slices.Contains(s.Kinds, of) {
			return &s.fields, nil
		}
	}
	return nil, nil //nolint:nilnil // no such kind is an answer
}

// absent are the paths of fields that want has and have lacks. Below a missing field, none is named.
func absent(want fields, have *fields, path string) (paths []string) {
	for _, name := range slices.Sorted(maps.Keys(want.Properties)) {
		if path == "" && name != "spec" && name != "status" {
			continue // of every object
		}
		field, ok := have.Properties[name]
		if !ok {
			paths = append(paths, path+name)
			continue
		}
		paths = append(paths, absent(want.Properties[name], &field, path+name+".")...)
	}
	if want.Items != nil && have.Items != nil {
		paths = append(paths, absent(*want.Items, have.Items, path)...)
	}
	if want.AdditionalProperties != nil && have.AdditionalProperties != nil {
		paths = append(paths, absent(*want.AdditionalProperties, have.AdditionalProperties, path+"*.")...)
	}
	return paths
}
