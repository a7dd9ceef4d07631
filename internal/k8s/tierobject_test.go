package k8s

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// widget is an object with this content, of a template that states these fields.
func widget(t *testing.T, content, fields string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	must(t, yaml.Unmarshal([]byte(content), &o.Object))
	o.SetAPIVersion("test.company.com/v1")
	o.SetKind("Widget")
	o.SetNamespace("flyte-a")
	o.SetName("w")
	o.SetLabels(map[string]string{v1alpha1.LabelWorkspace: "a"})
	record := v1alpha1.TierObjectRecord{Of: "Widget.test.company.com/flyte-a/w"}
	must(t, yaml.Unmarshal([]byte(fields), &record.Fields))
	o.SetAnnotations(map[string]string{v1alpha1.AnnotationTierObject: record.String()})
	return o
}

// The hash of a template's object covers what the template states, and overwriting it leaves what others added.
func TestTierObject_OwnsWhatItsTemplateStates(t *testing.T) {
	t.Parallel()
	const stated = "{spec: {a: true, nested: {b: true}, ports: [{port: true}], names: true}}"
	const want = "{spec: {a: 1, nested: {b: 2}, ports: [{port: 80}], names: [p, q]}}"
	for _, c := range []struct{ name, live, fields, after string }{
		{"as desired", want, stated, want},
		{
			"with fields of others", "{spec: {a: 1, nested: {b: 2, c: 3}, ports: [{port: 80, protocol: TCP}], names: [p, q], d: 4}, status: {e: 5}}",
			stated, "{spec: {a: 1, nested: {b: 2, c: 3}, ports: [{port: 80, protocol: TCP}], names: [p, q], d: 4}, status: {e: 5}}",
		},
		{"another value", "{spec: {a: 9, nested: {b: 2}, ports: [{port: 80}], names: [p, q]}}", stated, want},
		{"a missing value", "{spec: {nested: {b: 2}, ports: [{port: 80}], names: [p, q]}}", stated, want},
		{"nothing", "{}", stated, want},
		{"another item", "{spec: {a: 1, nested: {b: 2}, ports: [{port: 81, protocol: UDP}], names: [p, q]}}", stated, want},
		{
			"an item's field that the template dropped",
			"{spec: {a: 1, nested: {b: 2}, ports: [{port: 80, protocol: UDP}], names: [p, q]}}",
			"{spec: {a: true, nested: {b: true}, ports: [{port: true, protocol: true}], names: true}}", want,
		},
		{
			"an item that the template dropped, and one that it added",
			"{spec: {a: 1, nested: {b: 2}, ports: [{port: 80}, {port: 81}], names: [p, q]}}",
			"{spec: {a: true, nested: {b: true}, ports: [{port: true}, {port: true}], names: true}}", want,
		},
		{"one item more", "{spec: {a: 1, nested: {b: 2}, ports: [{port: 80}, {port: 81}], names: [p, q]}}", stated, want},
		{"another order", "{spec: {a: 1, nested: {b: 2}, ports: [{port: 80}], names: [q, p]}}", stated, want},
		{"a text where a map is", "{spec: {a: 1, nested: x, ports: x, names: [p, q]}}", stated, want},
		{
			"a field that the template dropped",
			"{spec: {a: 1, nested: {b: 2}, ports: [{port: 80}], names: [p, q], old: 1, gone: {f: 1}, kept: {g: 1, h: 2}}}",
			"{spec: {a: true, nested: {b: true}, ports: [{port: true}], names: true, old: true, gone: {f: true}, kept: {g: true}}}",
			"{spec: {a: 1, nested: {b: 2}, ports: [{port: 80}], names: [p, q], kept: {h: 2}}}",
		},
	} {
		live, desired, after := widget(t, c.live, c.fields), widget(t, want, stated), widget(t, c.after, stated)
		unchanged := cmp.Diff(after.Object, live.Object) == ""
		if same := hash(live) == hash(desired); same != unchanged {
			t.Errorf("%s: the hash is the same: %t", c.name, same)
		}
		overwriteOwned(live, desired)
		if diff := cmp.Diff(after.Object, live.Object); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if hash(live) != hash(desired) {
			t.Errorf("%s: the hash differs after it", c.name)
		}
	}
}

// Of some empty maps, the API server stores nothing.
func TestTierObject_EmptyMapIsAsNone(t *testing.T) {
	t.Parallel()
	const stated = "{data: {}, spec: {a: {b: {}}}}"
	want := hash(widget(t, stated, stated))
	for live, same := range map[string]bool{
		"{}": true, stated: true, "{spec: {a: {}}}": true, "{data: {theirs: 1}}": true, "{data: x}": false, "{spec: {a: [1]}}": false,
	} {
		if got := hash(widget(t, live, stated)) == want; got != same {
			t.Errorf("%s is as desired: %t", live, got)
		}
	}
}

// A record that another client has changed names no field of the object's identity or metadata.
func TestTierObject_KeepsMetadataWhateverItsRecordSays(t *testing.T) {
	t.Parallel()
	for _, fields := range []string{
		"{metadata: true}", "{kind: true, apiVersion: true}", "{metadata: {finalizers: true, ownerReferences: true}}", "{status: true}",
	} {
		live, want := widget(t, "{spec: {a: 9}, status: {b: 1}}", fields), widget(t, "{spec: {a: 1}}", "{spec: {a: true}}")
		live.SetFinalizers([]string{"company.com/theirs"})
		after := live.DeepCopy()
		after.Object["spec"] = want.Object["spec"]
		after.SetAnnotations(want.GetAnnotations())
		overwriteOwned(live, want)
		if diff := cmp.Diff(after.Object, live.Object); diff != "" {
			t.Errorf("%s (-want +got):\n%s", fields, diff)
		}
	}
}

// Only the record of exactly this object makes it the service's.
func TestTierObject_IsRecognisedByItsRecord(t *testing.T) {
	t.Parallel()
	ours, copied, bare, broken := widget(t, "{}", "{}"), widget(t, "{}", "{}"), widget(t, "{}", "{}"), widget(t, "{}", "{}")
	ofKind, ofGroup, ofVersion := widget(t, "{}", "{}"), widget(t, "{}", "{}"), widget(t, "{}", "{}")
	ofKind.SetKind("Gadget")
	ofGroup.SetAPIVersion("test.example.com/v1")
	ofVersion.SetAPIVersion("test.company.com/v2")
	copied.SetName("copy")
	bare.SetAnnotations(nil)
	broken.SetAnnotations(map[string]string{v1alpha1.AnnotationTierObject: "{"})
	for name, c := range map[string]struct {
		object          *unstructured.Unstructured
		want, described bool
	}{
		"ours": {ours, true, true}, "ours in another version": {ofVersion, true, true}, "a copy": {copied, false, false},
		"a copy of another kind": {ofKind, false, false}, "a copy of another group": {ofGroup, false, false},
		"without a record": {bare, false, true}, "with a broken record": {broken, false, true},
	} {
		cached, err := stripToIdentity(c.object.DeepCopy())
		must(t, err)
		if same := describe(c.object) == describe(ours); same != c.described {
			t.Errorf("%s: is called as ours is: %t", name, same)
		}
		if got := madeByTemplate(c.object); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
		if got := madeByTemplate(cached.(*unstructured.Unstructured)); got != c.want {
			t.Errorf("%s, cached: %t", name, got)
		}
	}
}
