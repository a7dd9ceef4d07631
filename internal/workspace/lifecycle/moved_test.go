package lifecycle

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

func TestMoved_NamesWhatWouldMove(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{template: "{prefix}{project}-{domain}"})
	s.provisioned("settled")
	w := s.workspace("bare") // it has nothing that could move
	w.Spec.DisplayName = ""
	create(t, s.admin, w)
	s.await("bare", v1alpha1.ConditionReady, v1alpha1.ReasonAwaitingContent)
	for name, test := range map[string]struct {
		template string
		domains  []string
		want     []string
	}{
		"the same":      {"{prefix}{project}-{domain}", []string{"staging", "development", "production"}, nil},
		"a domain more": {"{prefix}{project}-{domain}", []string{"development", "staging", "production", "canary"}, nil},
		"a domain less": {"{prefix}{project}-{domain}", []string{"development", "staging"}, []string{
			"workspace settled has the namespace flyte-settled-production, and would get flyte-settled-development, flyte-settled-staging",
		}},
		"another template": {"{prefix}{project}", []string{"development"}, []string{
			"workspace settled has the namespace flyte-settled-development, and would get flyte-settled",
			"workspace settled has the namespace flyte-settled-production, and would get flyte-settled",
			"workspace settled has the namespace flyte-settled-staging, and would get flyte-settled",
		}},
	} {
		naming, err := workspace.NewNaming(test.template, "flyte-", test.domains, nil)
		must(t, err)
		got, err := NamespacesThatWouldChange(t.Context(), s.mgr.GetCache(), naming)
		must(t, err)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
