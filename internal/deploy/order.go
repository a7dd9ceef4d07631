package deploy

import (
	"cmp"
	"fmt"
	"path"
	"slices"

	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const notes = "NOTES.txt"

// inOrder parses rendered templates and sorts the objects as Helm installs them: by kind, then the hooks that follow an
// installation. Other hooks, as tests are, belong to no installation.
func inOrder(files map[string]string) ([]*unstructured.Unstructured, error) {
	manifests := make(map[string]string, len(files))
	for name, text := range files {
		if path.Base(name) != notes {
			manifests[name] = text
		}
	}
	hooks, sorted, err := releaseutil.SortManifests(manifests, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, fmt.Errorf("sorting the objects: %w", err)
	}
	slices.SortStableFunc(hooks, func(a, b *release.Hook) int { return cmp.Compare(a.Weight, b.Weight) })
	var objects []*unstructured.Unstructured
	for _, m := range sorted {
		if objects, err = appendObject(objects, m.Name, m.Content); err != nil {
			return nil, err
		}
	}
	for _, h := range hooks {
		if !slices.Contains(h.Events, release.HookPostInstall) {
			continue
		}
		if objects, err = appendObject(objects, h.Path, h.Manifest); err != nil {
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
