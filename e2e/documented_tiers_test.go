package e2e

import (
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestTiersOfTheDocumentWork applies the tiers of docs/tiers.md as they stand there, under the chart's default policies. The one that
// puts keys on namespaces says that they have to be allowed first; without that it is Forbidden.
func TestTiersOfTheDocumentWork(t *testing.T) {
	text, err := os.ReadFile("../docs/tiers.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, part := range strings.Split(string(text), "```yaml\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		tier := &v1alpha1.WorkspaceTier{}
		if !strings.Contains(block, "kind: WorkspaceTier") {
			continue
		}
		if err := yaml.UnmarshalStrict([]byte(block), tier); err != nil {
			t.Fatal(err)
		}
		shown[tier.Name] = true
		if err := world.admin.Create(t.Context(), tier); err != nil {
			t.Error(err)
			continue
		}
		data := team(tier.Name+"-shown", 1)
		data.Tier, data.Quota = tier.Name, v1alpha1.Quota{}
		newMessage(t, workspace.EventCreated, data).sendOnNewTier(t)
		want := v1alpha1.ReasonReady
		if tier.Name == "labelled" {
			want = v1alpha1.ReasonForbidden
		}
		settled(t, data.WorkspaceID, want)
	}
	if len(shown) != 3 {
		t.Errorf("the document shows the tiers %v", shown)
	}
}
