package lifecycle

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// What the tier puts on namespace and account is kept, what others put there stays, and what the tier drops goes.
func TestController_KeepsAndPrunesExtras(t *testing.T) {
	t.Parallel()
	s := newStage(t, stageOptions{})
	s.onTierOf("extras", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Namespace = v1alpha1.TierNamespace{
			Labels: map[string]v1alpha1.LabelValue{"company.com/tier": "rich"}, WorkspaceLabels: []string{"cost-center"},
			Annotations: v1alpha1.Annotations{"company.com/id": "{workspace}/{namespace}"},
		}
		spec.ServiceAccount.Annotations = v1alpha1.Annotations{"eks.amazonaws.com/role-arn": "role/{workspace}"}
	})
	given := map[string]string{
		"company.com/tier": "rich", "cost-center": "42", "company.com/id": "extras/flyte-extras",
		"eks.amazonaws.com/role-arn": "role/extras",
	}
	s.awaitExtras("extras", given)
	namespace, account := s.namespace("flyte-extras"), s.workload("extras")
	namespace.Labels["company.com/tier"], namespace.Labels["company.com/foreign"] = "other", "stays"
	delete(namespace.Annotations, "company.com/id")
	account.Annotations = map[string]string{"company.com/foreign-annotation": "stays"}
	must(t, s.admin.Update(t.Context(), namespace))
	must(t, s.admin.Update(t.Context(), account))
	given["company.com/foreign"], given["company.com/foreign-annotation"] = "stays", "stays"
	s.awaitExtras("extras", given)

	s.changeTier("extras-tier", func(spec *v1alpha1.WorkspaceTierSpec) {
		spec.Namespace, spec.ServiceAccount = v1alpha1.TierNamespace{}, v1alpha1.TierServiceAccount{}
	})
	s.awaitExtras("extras", map[string]string{"company.com/foreign": "stays", "company.com/foreign-annotation": "stays"})
	s.await("extras", v1alpha1.ConditionReady, v1alpha1.ReasonReady)
	writes := s.requests.total()
	s.reconcile("extras")
	if n := s.requests.total() - writes; n != 0 {
		t.Errorf("%d writes at rest: %v", n, s.requests.writes())
	}
}

// awaitExtras waits until namespace and account have exactly these labels and annotations beside those of the service.
func (s *stage) awaitExtras(id string, want map[string]string) {
	s.t.Helper()
	eventually(s.t, func(context.Context) error {
		namespace, account := s.namespace("flyte-"+id), s.workload(id)
		got := map[string]string{}
		for _, all := range []map[string]string{namespace.Labels, namespace.Annotations, account.Annotations} {
			for key, value := range all {
				if key == "cost-center" || len(key) > 12 && key[:12] == "company.com/" || key == "eks.amazonaws.com/role-arn" {
					got[key] = value
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("extras (-want +got):\n%s", diff)
		}
		return nil
	})
}
