package deploy_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/jsonpath"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

// set are values by dotted path.
type set map[string]any

// expect is the expected content of a rendering: by "Kind name" and JSONPath, the text at that path. "…" stands for the beginning of a
// name. The text of a path that does not exist is "". "absent" means that there is no such object.
type expect map[string]string

const absent = "absent"

// apiVersions in a set are no value, but what the cluster serves besides Kubernetes' own.
const apiVersions = "apiVersions"

// expectation is a rendering with some values set over a base, and what is expected of it; or the error that it must end with.
type expectation struct {
	set    set
	want   expect
	refuse string
}

func (e expectation) check(t *testing.T, base map[string]any) {
	t.Helper()
	options := deploy.Options{Namespace: namespace}
	for path, value := range e.set {
		if path == apiVersions {
			options.APIVersions = value.([]string)
			continue
		}
		base = with(base, path, value)
	}
	options.Values = base
	objects, err := render(options)
	if e.refuse != "" {
		if err == nil || !strings.Contains(err.Error(), e.refuse) {
			t.Errorf("got %v, want a refusal that says %q", err, e.refuse)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range e.want {
		if got := lookUp(t, objects, key); got != want {
			t.Errorf("%s\n  is   %s\n  want %s", key, got, want)
		}
	}
}

// renderings are those that tests have asked for, by their options: many tests look at the same one.
var renderings = map[string]func() ([]*unstructured.Unstructured, error){}

// render renders the same options once. The tests that use it are not parallel, and change no object.
func render(o deploy.Options) ([]*unstructured.Unstructured, error) {
	key := fmt.Sprintf("%#v", o) // maps are printed in order
	if renderings[key] == nil {
		renderings[key] = sync.OnceValues(func() ([]*unstructured.Unstructured, error) { return deploy.Render(o) })
	}
	return renderings[key]()
}

// lookUp finds the text of "Kind name path"; several texts are separated by a space.
func lookUp(t *testing.T, objects []*unstructured.Unstructured, key string) string {
	t.Helper()
	kind, rest, _ := strings.Cut(key, " ")
	name, path, _ := strings.Cut(rest, " ")
	i := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool {
		if suffix, ok := strings.CutPrefix(name, "…"); ok {
			return o.GetKind() == kind && o.GetName() == fullName+suffix
		}
		return o.GetKind() == kind && o.GetName() == name
	})
	if i < 0 {
		return absent
	}
	parsed := jsonpath.New(key).AllowMissingKeys(true)
	if err := parsed.Parse("{" + path + "}"); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := parsed.Execute(&text, objects[i].Object); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
