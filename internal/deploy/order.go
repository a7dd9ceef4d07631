package deploy

import (
	"fmt"
	"path"

	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const notes = "NOTES.txt"

// inOrder parses rendered templates and sorts the objects by kind, as Helm installs them. It leaves out hooks, which belong to
// upgrades and tests.
func inOrder(files map[string]string) (objects []*unstructured.Unstructured, err error) {
	manifests := make(map[string]string, len(files))
	for name, text := range files {
		if path.Base(name) != notes {
			manifests[name] = text
		}
	}
	_, sorted, err := releaseutil.SortManifests(manifests, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, fmt.Errorf("sorting the objects: %w", err)
	}
	for _, m := range sorted {
		if objects, err = appendObject(objects, m.Name, m.Content); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

func appendObject(objects []*unstructured.Unstructured, template, text string) ([]*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict([]byte(text), &object.Object); err != nil {
		return nil, fmt.Errorf("parsing what %s renders: %w", template, err)
	}
	if len(object.Object) == 0 { // a comment
		return objects, nil
	}
	return append(objects, object), nil
}
