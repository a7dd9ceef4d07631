package k8s

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func secretWith(data map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "s", "namespace": "n"}, "data": data,
	}}
}

// TestShow_HidesSecrets: a diff shows which keys differ, and no value.
func TestShow_HidesSecrets(t *testing.T) {
	before := secretWith(map[string]any{"same": "c2FtZQ==", "changed": "b2xk", "gone": "Z29uZQ=="})
	after := secretWith(map[string]any{"same": "c2FtZQ==", "changed": "bmV3", "added": "YWRkZWQ="})
	var out strings.Builder
	d := &differ{out: &out}
	if err := d.show(before, after); err != nil || !d.differs {
		t.Fatalf("differs: %t, %v", d.differs, err)
	}
	want := `diff live Secret n/s new Secret n/s
--- live Secret n/s
+++ new Secret n/s
@@ -1,7 +1,7 @@
 apiVersion: v1
 data:
-  changed: '*** (before)'
-  gone: '***'
+  added: '***'
+  changed: '*** (after)'
   same: '***'
 kind: Secret
 metadata:
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, pair := range [][2]*unstructured.Unstructured{{nil, after}, {before, nil}} {
		out.Reset()
		if err := d.show(pair[0], pair[1]); err != nil || strings.Contains(out.String(), "==") || !strings.Contains(out.String(), "***") {
			t.Errorf("%v:\n%s", err, out.String())
		}
	}
}

// TestThreeWay: what was applied before and is no longer wanted goes; what another client has added stays.
func TestThreeWay(t *testing.T) {
	config := func(data map[string]any) *unstructured.Unstructured {
		o := secretWith(data)
		o.SetKind("ConfigMap")
		return o
	}
	kind, patch, err := threeWay(config(map[string]any{"a": "1", "b": "1"}), config(map[string]any{"a": "2"}),
		config(map[string]any{"a": "1", "b": "1", "foreign": "1"}))
	if err != nil || string(patch) != `{"data":{"a":"2","b":null}}` {
		t.Errorf("%s %s: %v", kind, patch, err)
	}
}
