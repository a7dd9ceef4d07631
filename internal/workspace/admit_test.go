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
			err := Below("data", Admit(New(""), &v1alpha1.Workspace{Spec: v1alpha1.WorkspaceSpec{Quota: test.q}}, tierOf(test.standard, test.max)))
			if diff := cmp.Diff(test.want, fieldsOf(t, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAdmit_RefusesAMissingTier(t *testing.T) {
	want := []FieldError{{"tier", "must be the name of an existing WorkspaceTier"}}
	if diff := cmp.Diff(want, fieldsOf(t, Admit(New(""), &v1alpha1.Workspace{}, nil))); diff != "" {
		t.Error(diff)
	}
}

func TestAdmit_RefusesATierThatExcludesTheWorkspace(t *testing.T) {
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
					want = []FieldError{{"data.tier", "must be a WorkspaceTier that allows this workspace"}}
				}
				if diff := cmp.Diff(want, fieldsOf(t, Below("data", Admit(New(id), w, tier)))); diff != "" {
					t.Errorf("%q: %s", pattern, diff)
				}
			}
		}
	}
}

// TestAdmit_RefusesOnlyNewRequests has tiers that no longer fit: what was stored before blocks no event.
func TestAdmit_RefusesOnlyNewRequests(t *testing.T) {
	lowered := tierOf(v1alpha1.Quota{}, v1alpha1.Quota{CPU: "20", Pods: "100"})
	closed := lowered.DeepCopy()
	closed.Spec.AllowedWorkspaces = []string{"another"}
	content := func(tier, cpu string) v1alpha1.WorkspaceSpec {
		return v1alpha1.WorkspaceSpec{DisplayName: "Fraud", Version: 1, Tier: tier, Quota: v1alpha1.Quota{CPU: v1alpha1.Quantity(cpu)}}
	}
	tests := []struct {
		name          string
		before, after v1alpha1.WorkspaceSpec
		tier          *v1alpha1.WorkspaceTier
		want          []string
	}{
		{"the same quota", content("small", "40"), content("small", "40"), lowered, nil},
		{"the same amount in other words", content("small", "40"), content("small", "40000m"), lowered, nil},
		{"no quota any more", content("small", "40"), content("small", ""), lowered, nil},
		{"less, below the maximum", content("small", "40"), content("small", "20"), lowered, nil},
		{"less, but above the maximum", content("small", "40"), content("small", "30"), lowered, []string{"quota.cpu"}},
		{"more", content("small", "40"), content("small", "41"), lowered, []string{"quota.cpu"}},
		{"a quota where there was none", content("small", ""), content("small", "40"), lowered, []string{"quota.cpu"}},
		{"the same quota on another tier", content("large", "40"), content("small", "40"), lowered, []string{"quota.cpu"}},
		{"the same tier, which is closed now", content("small", "10"), content("small", "10"), closed, nil},
		{"the same tier and quota, and neither fits", content("small", "40"), content("small", "40"), closed, nil},
		{"the same tier, which is closed, and more quota", content("small", "10"), content("small", "40"), closed, []string{"quota.cpu"}},
		{"another tier, which is closed", content("large", "10"), content("small", "10"), closed, []string{"tier"}},
		{"the same tier, which is gone", content("small", "40"), content("small", "41"), nil, nil},
		{"another tier, which does not exist", content("large", "40"), content("small", "40"), nil, []string{"tier"}},
		{"the first content after a state", New("").Spec, content(v1alpha1.DefaultTier, "10"), closed, []string{"tier"}},
		{
			"a name that was emptied by hand",
			v1alpha1.WorkspaceSpec{Version: 1, Tier: "small", Quota: v1alpha1.Quota{CPU: "40"}},
			content("small", "40"), closed, nil,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before, after := New("fraud"), New("fraud")
			before.Spec, after.Spec = test.before, test.after
			var fields []string
			for _, f := range fieldsOf(t, Admit(before, after, test.tier)) {
				fields = append(fields, f.Field)
			}
			if diff := cmp.Diff(test.want, fields); diff != "" {
				t.Error(diff)
			}
		})
	}
}
