package deploy_test

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/charts"
	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

var update = flag.Bool("update", false, "update the golden files")

// namespace is where the tests install the chart.
const namespace = "platform-services"

// chartFile reads a file of the chart.
func chartFile(t *testing.T, path string) []byte {
	t.Helper()
	files, err := charts.WorkspaceFlyteIntegration()
	if err != nil {
		t.Fatal(err)
	}
	data, err := fs.ReadFile(files, path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// ciValues reads one of the values files that `make verify-chart` renders.
func ciValues(t *testing.T, name string) map[string]any {
	t.Helper()
	var values map[string]any
	if err := yaml.UnmarshalStrict(chartFile(t, "ci/"+name+"-values.yaml"), &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// with sets the value at a dotted path.
func with(values map[string]any, path string, value any) map[string]any {
	parent, last, nested := strings.Cut(path, ".")
	if !nested {
		values[path] = value
		return values
	}
	child, _ := values[parent].(map[string]any)
	if child == nil {
		child = map[string]any{}
	}
	values[parent] = with(child, last, value)
	return values
}

func rendered(t *testing.T, values map[string]any) []*unstructured.Unstructured {
	t.Helper()
	objects, err := deploy.Render(deploy.Options{Namespace: namespace, Values: values})
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func find(t *testing.T, objects []*unstructured.Unstructured, kind, name string) *unstructured.Unstructured {
	t.Helper()
	for _, object := range objects {
		if object.GetKind() == kind && object.GetName() == name {
			return object
		}
	}
	t.Fatalf("there is no %s %q", kind, name)
	return nil
}

func TestRender_Golden(t *testing.T) {
	for _, name := range []string{"default", "per-domain"} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			for _, object := range rendered(t, ciValues(t, name)) {
				if object.GetKind() == "CustomResourceDefinition" {
					unstructured.RemoveNestedField(object.Object, "spec") // it is generated; files/crds has it
				}
				text, err := yaml.Marshal(object)
				if err != nil {
					t.Fatal(err)
				}
				got.WriteString("---\n" + string(text))
			}
			compareGolden(t, name+".yaml", got.Bytes())
		})
	}
}

func compareGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the rendering changed; if it should, run with -update (-want +got):\n%s", diff)
	}
}
