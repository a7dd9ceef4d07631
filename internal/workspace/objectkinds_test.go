package workspace

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Package deploy tests which groups the chart refuses.
func TestRefusedObjectGroups_AreThoseOfTheChart(t *testing.T) {
	text, err := os.ReadFile("../../charts/workspace-flyte-integration/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	pattern, err := json.Marshal(RefusedObjectGroups)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), string(pattern)) {
		t.Errorf("values.schema.json does not refuse the groups %s", pattern)
	}
}

func TestParseObjectKinds(t *testing.T) {
	got, err := ParseObjectKinds([]string{"ConfigMap.v1", "ExternalSecret.v1beta1.external-secrets.io", "ConfigMap.v1"})
	want := ObjectKinds{{Version: "v1", Kind: "ConfigMap"}, {Group: "external-secrets.io", Version: "v1beta1", Kind: "ExternalSecret"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, kind := range want {
		again, err := ParseObjectKinds([]string{ObjectKindName(kind)})
		if err != nil || !cmp.Equal(again, ObjectKinds{kind}) {
			t.Errorf("%s gives %v, %v", ObjectKindName(kind), again, err)
		}
	}
	for text, want := range map[string]string{
		"ConfigMap": "must be Kind.version.group", "configmaps.v1": "must be Kind.version.group", "*.v1.a.b": "must be", "": "must be",
		"Widget.latest.a.b": "must be", "Secret.v1": "only ConfigMap", "Job.v1.batch": "no kind of the group batch",
		"Thing.v1.a.k8s.io": "no kind of the group a.k8s.io", "Role.v1.k8s.io": "no kind",
	} {
		if _, err := ParseObjectKinds([]string{text}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want it to say %q", text, err, want)
		}
	}
	if kind := (schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}); ObjectKindName(kind) != "ConfigMap.v1" {
		t.Errorf("the name is %s", ObjectKindName(kind))
	}
}
