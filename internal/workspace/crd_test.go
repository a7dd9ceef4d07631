package workspace

import (
	"os"
	"regexp"
	"testing"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/internal/printable"
)

// crdPattern is the pattern that the CRD has for a field of the spec.
func crdPattern(t *testing.T, field string) *regexp.Regexp {
	t.Helper()
	text, err := os.ReadFile("../../charts/workspace-flyte-integration/crds/platform.company.com_workspaces.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type property struct {
		Pattern    string
		Properties map[string]struct{ Pattern string }
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema struct {
						Properties struct {
							Spec struct{ Properties map[string]property }
						}
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &crd); err != nil {
		t.Fatal(err)
	}
	spec := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties.Spec.Properties
	pattern := spec[field].Pattern
	if pattern == "" {
		pattern = spec["quota"].Properties[field].Pattern
	}
	if pattern == "" {
		t.Fatalf("the CRD has no pattern for %s", field)
	}
	return regexp.MustCompile(pattern)
}

// The edge and the CRD must agree on every character, or one entry point accepts more than the other.
func TestRules_AgreeWithTheCRDOnTexts(t *testing.T) {
	pattern := crdPattern(t, "displayName")
	for r := range rune(utf8.MaxRune + 1) {
		if !utf8.ValidRune(r) {
			continue
		}
		if text := "a" + string(r) + "b"; pattern.MatchString(text) != printable.Is(text) {
			t.Errorf("%U: the CRD says %v, the edge %v", r, pattern.MatchString(text), printable.Is(text))
		}
	}
}

func TestRules_AgreeWithTheCRDOnQuantities(t *testing.T) {
	for field, rule := range map[string]*regexp.Regexp{"cpu": quantity, "memory": quantity, "storage": quantity, "gpu": count, "pods": count} {
		if got := crdPattern(t, field).String(); got != rule.String() {
			t.Errorf("%s: the CRD has %s, the edge %s", field, got, rule)
		}
	}
}
