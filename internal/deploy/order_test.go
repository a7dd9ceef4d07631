package deploy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInOrder_IsAnInstallations(t *testing.T) {
	object := func(kind, annotations string) string {
		return "kind: " + kind + "\napiVersion: v1\nmetadata:\n  name: x\n  annotations: {" + annotations + "}\n"
	}
	objects, err := inOrder(map[string]string{
		"chart/templates/a.yaml":    object("WorkspaceTier", ""),
		"chart/templates/b.yaml":    object("Job", "helm.sh/hook: pre-upgrade"),
		"chart/templates/c.yaml":    object("Deployment", "") + "---\n" + object("Namespace", ""),
		"chart/templates/d.yaml":    "# nothing is asked for\n",
		"chart/templates/e.yaml":    object("Pod", "helm.sh/hook: test"),
		"chart/templates/f.yaml":    object("CustomResourceDefinition", ""),
		"chart/templates/NOTES.txt": "no: [object",
	})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, o := range objects {
		kinds = append(kinds, o.GetKind())
	}
	if diff := cmp.Diff([]string{"Namespace", "CustomResourceDefinition", "Deployment", "WorkspaceTier"}, kinds); diff != "" {
		t.Error(diff)
	}
}

func TestInOrder_NamesTheTemplateThatIsWrong(t *testing.T) {
	for _, text := range []string{"kind: [", "kind: Pod\nmetadata: {name: x}\nmetadata: {name: y}\n"} {
		_, err := inOrder(map[string]string{"chart/templates/pod.yaml": text})
		if err == nil || !strings.Contains(err.Error(), "chart/templates/pod.yaml") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}
