package deploy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// hookValues are the least values of a release, and crds.
func hookValues(crds map[string]any) map[string]any {
	return map[string]any{
		"flyte":   map[string]any{"consoleURL": "https://flyte-console.company.com"},
		"webhook": map[string]any{"existingSecret": "workspace-integration-secrets"},
		"crds":    crds,
	}
}

// crdHooks renders the objects of crd-upgrade.yaml.
func crdHooks(t *testing.T, values map[string]any) (objects []*unstructured.Unstructured) {
	t.Helper()
	files, err := render(Options{Namespace: "platform-services", Values: values})
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.SplitSeq(files["workspace-flyte-integration/templates/crd-upgrade.yaml"], "\n---\n") {
		if objects, err = appendObject(objects, "crd-upgrade.yaml", text); err != nil {
			t.Fatal(err)
		}
	}
	return objects
}

// A hook of the kind pre-upgrade also runs before the first sync of Argo CD, so it needs nothing that the chart installs.
func TestRender_UpgradesCRDs(t *testing.T) {
	var got []string
	for _, o := range crdHooks(t, hookValues(map[string]any{})) {
		got = append(got, o.GetKind()+" "+o.GetName()+" "+o.GetAnnotations()["helm.sh/hook"]+" "+o.GetAnnotations()["helm.sh/hook-weight"])
		if o.GetKind() == "ClusterRole" {
			rules, err := yaml.Marshal(o.Object["rules"])
			if err != nil {
				t.Fatal(err)
			}
			want := "- apiGroups:\n  - apiextensions.k8s.io\n  resourceNames:\n  - workspaces.platform.company.com\n" +
				"  - workspacetiers.platform.company.com\n  resources:\n  - customresourcedefinitions\n  verbs:\n  - get\n  - patch\n"
			if diff := cmp.Diff(want, string(rules)); diff != "" {
				t.Errorf("the Job's rights (-want +got):\n%s", diff)
			}
		}
	}
	const name = "workspace-flyte-integration-crds"
	want := []string{
		"ServiceAccount " + name + " pre-upgrade -2", "ClusterRole " + name + " pre-upgrade -2",
		"ClusterRoleBinding " + name + " pre-upgrade -2", "Job " + name + " pre-upgrade -1", "NetworkPolicy " + name + " pre-upgrade -2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hooks (-want +got):\n%s", diff)
	}
}

func TestRender_UpgradesCRDsOnlyWhereAsked(t *testing.T) {
	off := hookValues(map[string]any{"upgrade": false})
	target := hookValues(map[string]any{})
	target["install"] = "target" // where no image of the service need be
	for name, values := range map[string]map[string]any{"crds.upgrade is false": off, "install is target": target} {
		if hooks := crdHooks(t, values); len(hooks) > 0 {
			t.Errorf("%s: %v", name, hooks)
		}
	}
}

// helm upgrade --reuse-values brings the values of the earlier chart.
func TestRender_RefusesValuesOfEarlierChart(t *testing.T) {
	values := hookValues(map[string]any{"enabled": true, "keep": true})
	_, err := render(Options{Namespace: "platform-services", Values: values})
	if err == nil || !strings.Contains(err.Error(), "--reset-then-reuse-values") {
		t.Errorf("got %v", err)
	}
}
