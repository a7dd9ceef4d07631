package desired_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

var objectKinds = workspace.ObjectKinds{
	{Version: "v1", Kind: "ConfigMap"}, schema.GroupVersionKind{Group: "test.company.com", Version: "v1", Kind: "Widget"},
}

// withObjects is a plan whose tier has these templates.
func withObjects(t *testing.T, templates ...string) *desired.Plan {
	t.Helper()
	p := desiredtest.Plan("flyte-ws-001")
	for _, text := range templates {
		asJSON, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var template v1alpha1.TierObject
		if err := json.Unmarshal(asJSON, &template); err != nil {
			t.Fatal(err)
		}
		p.Tier.Spec.Objects = append(p.Tier.Spec.Objects, template)
	}
	return p
}

func TestTierObjects_AreTheTemplatesInTheNamespace(t *testing.T) {
	t.Parallel()
	p := withObjects(t, `
apiVersion: test.company.com/v1
kind: Widget
metadata: {name: "{project}.{tier}", namespace: "{namespace}", labels: {a: "{labels.cost-center}"}}
spec:
  all: "{workspace}/{project}/{namespace}/{tier}/{domain}"
  unit: "<{labels.team.company.com/unit}>"
  others: ["{{ workspace }}", "{{workspace}}", "${workspace}", "{ workspace }", "{}", '{"a": {"b": 1}}']
  items: [{num: 1}, {m: {o: [1, 2]}}]
  empty: {}
`)
	p.Namespace.Domain = "production"
	objects, problems := p.TierObjects(objectKinds)
	if len(problems) > 0 || len(objects) != 1 {
		t.Fatalf("%v %v", objects, problems)
	}
	want := map[string]any{
		"apiVersion": "test.company.com/v1", "kind": "Widget",
		"metadata": map[string]any{
			"name": "ws-001.standard", "namespace": "flyte-ws-001",
			"labels": map[string]any{"a": "42", v1alpha1.LabelWorkspace: "ws-001", v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
			"annotations": map[string]any{
				v1alpha1.AnnotationTierKeys: `{"labels":["a"]}`,
				v1alpha1.AnnotationTierObject: `{"of":"Widget.test.company.com/flyte-ws-001/ws-001.standard","fields":{"spec":{"all":true,"empty":{},` +
					`"items":[{"num":true},{"m":{"o":true}}],"others":true,"unit":true}}}`,
			},
		},
		"spec": map[string]any{
			"all": "ws-001/ws-001/flyte-ws-001/standard/production", "unit": "<>",
			"others": []any{"{{ workspace }}", "{{workspace}}", "${workspace}", "{ workspace }", "{}", `{"a": {"b": 1}}`},
			"items":  []any{map[string]any{"num": int64(1)}, map[string]any{"m": map[string]any{"o": []any{int64(1), int64(2)}}}},
			"empty":  map[string]any{},
		},
	}
	if diff := cmp.Diff(want, objects[0].Object); diff != "" {
		t.Error(diff)
	}
}

func TestTierObjects_LeavesOutWhatCantBe(t *testing.T) {
	t.Parallel()
	configMap := func(rest string) string {
		return "{apiVersion: v1, kind: ConfigMap, " + rest + "}"
	}
	for name, c := range map[string]struct{ template, want, reason string }{
		"an unknown placeholder": {
			configMap("metadata: {name: a}, data: {x: 'a{cpu}'}"),
			"spec.objects[0].data.x has the unknown placeholder {cpu}", "",
		},
		"a label as name":        {configMap("metadata: {name: 'A_B'}"), "spec.objects[0].metadata.name gives the name", ""},
		"no domain":              {configMap("metadata: {name: 'a-{domain}'}"), "NAMESPACE_TEMPLATE has no {domain}", ""},
		"a key with placeholder": {configMap("metadata: {name: a}, data: {'{workspace}': x}"), "data has a placeholder in the key", ""},
		"null":                   {configMap("metadata: {name: a}, data: null"), "spec.objects[0].data is null", ""},
		"a status":               {configMap("metadata: {name: a}, status: {}"), "spec.objects[0].status can't be set", ""},
		"a kind that isn't listed": {
			"{apiVersion: v1, kind: Secret, metadata: {name: a}}",
			"is a Secret.v1: add its kind to the chart's value tierObjects", "",
		},
		"another version": {
			"{apiVersion: test.company.com/v2, kind: Widget, metadata: {name: a}}",
			"is a Widget.v2.test.company.com", "",
		},
		"metadata in capitals": {
			configMap("metadata: {name: a}, Metadata: {name: b, annotations: {c: d}}"), "spec.objects[0].Metadata is no field: write metadata", "",
		},
		"a kind with the Kelvin sign": {configMap("metadata: {name: a}, \u212aind: Secret"), "is no field: write kind", ""},
		"a reserved label": {
			configMap("metadata: {name: a, labels: {platform.company.com/workspace: x}}"),
			"has the reserved key", "",
		},
		"a reserved annotation": {
			configMap("metadata: {name: a, annotations: {platform.company.com/tier-object: x}}"),
			"has the reserved key", "",
		},
		"no label value":  {configMap("metadata: {name: a, labels: {x: 'a b'}}"), "spec.objects[0].metadata.labels.x gives", ""},
		"our own name":    {configMap("metadata: {name: workspace-config}"), "does not start with workspace- or kube-", ""},
		"a long template": {configMap("metadata: {name: a}, data: {x: '" + strings.Repeat("a", 33<<10) + "'}"), "at most 32768", ""},
		"a missing label": {
			configMap("metadata: {name: a}, data: {x: '{labels.team}'}"),
			"the workspace's label team", v1alpha1.ReasonLabelNotFound,
		},
	} {
		p := withObjects(t, c.template, configMap("metadata: {name: other}"))
		objects, problems := p.TierObjects(objectKinds)
		reason := v1alpha1.ReasonTierInvalid
		if c.reason != "" {
			reason = c.reason
		}
		if len(objects) != 1 || len(problems) != 1 || !strings.Contains(problems[0].String(), c.want) || problems[0].Reason != reason {
			t.Errorf("%s: %d objects, %v", name, len(objects), problems)
			continue
		}
		ofTier := desired.CheckTierObjects(p.Tier, objectKinds, nil)
		if of := problems[0].Object; (of == nil) != (name == "a label as name" || name == "no domain") || of != nil && of.GetName() == "other" {
			t.Errorf("%s: the object is %v", name, of)
		}
		if want := c.reason == ""; (len(ofTier) == 1) != want {
			t.Errorf("%s: of the tier alone: %v", name, ofTier)
		}
	}
}

// Two templates may give one name only once the workspace's values are in place.
func TestTierObjects_RefusesANameTwice(t *testing.T) {
	t.Parallel()
	p := withObjects(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: 'a-{workspace}'}}",
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: 'a-{project}'}}",
		"{apiVersion: test.company.com/v1, kind: Widget, metadata: {name: 'a-{project}'}}")
	if problems := desired.CheckTierObjects(withObjects(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: '{workspace}'}}",
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: '{namespace}'}}").Tier, objectKinds, nil); len(problems) > 0 {
		t.Errorf("names that are the same in no workspace: %v", problems)
	}
	objects, problems := p.TierObjects(objectKinds)
	const want = "spec.objects[1].metadata.name gives the name a-ws-001, which spec.objects[0] gives too: rename one"
	if len(objects) != 2 || len(problems) != 1 || problems[0].String() != want {
		t.Errorf("%v %v", objects, problems)
	}
}
