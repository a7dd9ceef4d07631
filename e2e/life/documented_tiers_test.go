package life

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// documentedValues are the chart's values that docs/tiers.md asks for.
func documentedValues() map[string]any {
	return map[string]any{
		"policies": map[string]any{"service": map[string]any{
			"namespaceKeys": []any{"company.com/tier", "company.com/domain-owner", "cost-center"},
		}},
		"tierObjects": []any{
			map[string]any{"group": "", "version": "v1", "kind": "ConfigMap", "resource": "configmaps"},
			map[string]any{"group": externalSecrets.Group, "version": "v1", "kind": "ExternalSecret", "resource": "externalsecrets"},
		},
	}
}

// TestDocumentedTiersWork creates the tiers of docs/tiers.md, and a workspace on each.
func TestDocumentedTiersWork(t *testing.T) {
	t.Parallel()
	env := shared.Env()
	withKueue(t)
	tiers, values := readTiers(t, "../../docs/tiers.md")
	if len(tiers) != 7 {
		t.Errorf("the document shows %d tiers", len(tiers))
	}
	if diff := cmp.Diff(documentedValues(), values); diff != "" {
		t.Errorf("the document's values (-these tests' +document's):\n%s", diff)
	}
	installExternalSecrets(t, env)
	for _, tier := range tiers {
		harness.Must(t, env.Admin.Create(t.Context(), tier))
		data := harness.Data(tier.Name+"-shown", 1)
		data.Quota = v1alpha1.Quota{}
		env.CreateOnTier(t, data, tier.Name)
	}
}

// readTiers reads the tiers, and the chart's values, in the blocks of a document.
func readTiers(t *testing.T, path string) (tiers []*v1alpha1.WorkspaceTier, values map[string]any) {
	t.Helper()
	text, err := os.ReadFile(path)
	harness.Must(t, err)
	for _, part := range strings.Split(string(text), "```yaml\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		switch {
		case strings.Contains(block, "kind: WorkspaceTier"):
			tier := &v1alpha1.WorkspaceTier{}
			harness.Must(t, yaml.UnmarshalStrict([]byte(block), tier))
			tiers = append(tiers, tier)
		case strings.HasPrefix(block, "policies:"), strings.HasPrefix(block, "tierObjects:"):
			harness.Must(t, yaml.UnmarshalStrict([]byte(block), &values))
		}
	}
	return tiers, values
}
