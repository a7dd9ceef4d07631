package workspace

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func TestAdmit_RefusesMoreThanTheTierAllows(t *testing.T) {
	maximum := v1alpha1.Quota{CPU: "2", Memory: "4Gi", GPU: "0", Storage: "1T", Pods: "10"}
	tests := []struct {
		name          string
		q             v1alpha1.Quota
		standard, max v1alpha1.Quota
		want          []FieldError
	}{
		{"nothing asked", v1alpha1.Quota{}, v1alpha1.Quota{CPU: "1"}, maximum, nil},
		{
			"exactly the maximum, spelt otherwise",
			v1alpha1.Quota{CPU: "2000m", Memory: "4096Mi", GPU: "0", Storage: "1000G", Pods: "10"},
			v1alpha1.Quota{},
			maximum, nil,
		},
		{
			"a thousandth above",
			v1alpha1.Quota{CPU: "2.001"},
			v1alpha1.Quota{},
			maximum,
			[]FieldError{{"data.quota.cpu", "is above 2, the maximum of the tier small"}},
		},
		{
			"compared by amount, not by text",
			v1alpha1.Quota{CPU: "10", Memory: "5Gi", Storage: "999G", Pods: "9"},
			v1alpha1.Quota{},
			maximum,
			[]FieldError{
				{"data.quota.cpu", "is above 2, the maximum of the tier small"},
				{"data.quota.memory", "is above 4Gi, the maximum of the tier small"},
			},
		},
		{
			"everything at once",
			v1alpha1.Quota{CPU: "3", Memory: "1Pi", GPU: "1", Storage: "1Ti", Pods: "11"},
			v1alpha1.Quota{},
			maximum,
			[]FieldError{
				{"data.quota.cpu", "is above 2, the maximum of the tier small"},
				{"data.quota.memory", "is above 4Gi, the maximum of the tier small"},
				{"data.quota.gpu", "is above 0, the maximum of the tier small"},
				{"data.quota.storage", "is above 1T, the maximum of the tier small"},
				{"data.quota.pods", "is above 10, the maximum of the tier small"},
			},
		},
		{"no maximum", v1alpha1.Quota{CPU: "999999999Pi"}, v1alpha1.Quota{}, v1alpha1.Quota{}, nil},
		{"a tier whose default is above its maximum", v1alpha1.Quota{}, v1alpha1.Quota{CPU: "8"}, maximum, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := Below("data", Admit(&v1alpha1.Workspace{Spec: v1alpha1.WorkspaceSpec{Quota: test.q}}, tierOf(test.standard, test.max)))
			if diff := cmp.Diff(test.want, fieldsOf(t, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAdmit_RefusesAMissingTier(t *testing.T) {
	want := []FieldError{{"tier", "names no WorkspaceTier of this cluster"}}
	if diff := cmp.Diff(want, fieldsOf(t, Admit(&v1alpha1.Workspace{}, nil))); diff != "" {
		t.Error(diff)
	}
}

func TestAdmit_KeepsWorkspacesOffTiers(t *testing.T) {
	for id, patterns := range map[string]struct{ yes, no []string }{
		"fraud-detection": {
			yes: []string{"fraud-detection", "fraud-*", "*", "*-detection", "f*n", "*raud*"},
			no:  []string{"fraud", "fraud-", "fraud-detection-*", "*-fraud", "raud-detection", "**x", "[", "[a-z]*[", ""},
		},
	} {
		for allowed, list := range map[bool][]string{true: patterns.yes, false: patterns.no} {
			for _, pattern := range list {
				tier := tierOf(v1alpha1.Quota{}, v1alpha1.Quota{})
				tier.Spec.AllowedWorkspaces = []string{"another", pattern}
				w := &v1alpha1.Workspace{ObjectMeta: metav1.ObjectMeta{Name: id}}
				var want []FieldError
				if !allowed {
					want = []FieldError{{"data.tier", "is a WorkspaceTier that this workspace may not be on"}}
				}
				if diff := cmp.Diff(want, fieldsOf(t, Below("data", Admit(w, tier)))); diff != "" {
					t.Errorf("%q: %s", pattern, diff)
				}
			}
		}
	}
}
