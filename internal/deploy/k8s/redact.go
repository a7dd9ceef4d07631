package k8s

import (
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const (
	redacted       = "***"
	redactedBefore = "*** (before)"
	redactedAfter  = "*** (after)"
)

// redact replaces the values of a Secret.
func redact(o *unstructured.Unstructured) *unstructured.Unstructured {
	if o == nil || o.GetKind() != "Secret" {
		return o
	}
	o = o.DeepCopy()
	for _, field := range []string{"data", "stringData"} {
		data, _, _ := unstructured.NestedMap(o.Object, field)
		for key := range data {
			data[key] = redacted
		}
		if len(data) > 0 {
			o.Object[field] = data
		}
	}
	return o
}

// redactPair replaces the values of two versions of a Secret, and shows which ones differ. Either version may be nil.
func redactPair(before, after *unstructured.Unstructured) (hiddenBefore, hiddenAfter *unstructured.Unstructured) {
	hiddenBefore, hiddenAfter = redact(before), redact(after)
	if before == nil || after == nil || before.GetKind() != "Secret" {
		return hiddenBefore, hiddenAfter
	}
	for _, field := range []string{"data", "stringData"} {
		was, _, _ := unstructured.NestedMap(before.Object, field)
		is, _, _ := unstructured.NestedMap(after.Object, field)
		for key := range was {
			if value, ok := is[key]; ok && value != was[key] {
				_ = unstructured.SetNestedField(hiddenBefore.Object, redactedBefore, field, key)
				_ = unstructured.SetNestedField(hiddenAfter.Object, redactedAfter, field, key)
			}
		}
	}
	return hiddenBefore, hiddenAfter
}

// writeManifests writes objects as YAML, without the values of Secrets.
func writeManifests(out io.Writer, objects []*unstructured.Unstructured) error {
	for _, o := range objects {
		text, err := yaml.Marshal(redact(o).Object)
		if err != nil {
			return fmt.Errorf("writing %s %q: %w", o.GetKind(), o.GetName(), err)
		}
		if _, err := fmt.Fprintf(out, "---\n%s", text); err != nil {
			return err
		}
	}
	return nil
}
