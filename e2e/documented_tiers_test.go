package e2e

import (
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// TestTiersOfTheDocumentWork applies the tiers of docs/tiers.md as they stand there, with the chart's default values but for those that
// the document tells to set.
func TestTiersOfTheDocumentWork(t *testing.T) {
	text, err := os.ReadFile("../docs/tiers.md")
	if err != nil {
		t.Fatal(err)
	}
	var tiers []*v1alpha1.WorkspaceTier
	var values map[string]any
	for _, part := range strings.Split(string(text), "```yaml\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		tier := &v1alpha1.WorkspaceTier{}
		switch {
		case strings.Contains(block, "kind: WorkspaceTier"):
			err = yaml.UnmarshalStrict([]byte(block), tier)
			tiers = append(tiers, tier)
		case strings.HasPrefix(block, "policies:"):
			err = yaml.UnmarshalStrict([]byte(block), &values)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(tiers) != 3 || values == nil {
		t.Fatalf("the document shows %d tiers, and the values %v", len(tiers), values)
	}
	ownWorld(t, values)
	for _, tier := range tiers {
		if err := world.admin.Create(t.Context(), tier); err != nil {
			t.Error(err)
			continue
		}
		data := team(tier.Name+"-shown", 1)
		data.Tier, data.Quota = tier.Name, v1alpha1.Quota{}
		newMessage(t, workspace.EventCreated, data).sendOnNewTier(t)
		settled(t, data.WorkspaceID, v1alpha1.ReasonReady)
	}
}
