package workspace

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

func TestParseQuantity_ReadsTheBoundedFormAlone(t *testing.T) {
	tests := []struct{ text, want string }{
		{"0", "0"},
		{"40", "40"},
		{"0.5", "500m"},
		{"500m", "500m"},
		{"0.5m", "1m"}, // the API server rounds up to thousandths
		{"1.001m", "2m"},
		{"1.5Gi", "1536Mi"},
		{"1024Ki", "1Mi"},
		{"999999999", "999999999"},
		{"999999999.999Pi", "9223372036854775807"}, // Kubernetes' own upper end
		{"", "0"},
		{"-1", "0"},
		{"+1", "0"},
		{" 1", "0"},
		{"1\n", "0"},
		{"1e30", "0"},
		{"1e2147483647", "0"},
		{"1E3", "0"},
		{"1Ei", "0"},
		{"1n", "0"},
		{".5", "0"},
		{"1.", "0"},
		{"0.0001", "0"},
		{"1000000000", "0"},
		{"0x10", "0"},
		{"١", "0"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			began := time.Now()
			amount := ParseQuantity(v1alpha1.Quantity(test.text))
			if diff := cmp.Diff(test.want, amount.String()); diff != "" {
				t.Error(diff)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func tierOf(standard, maximum v1alpha1.Quota) *v1alpha1.WorkspaceTier {
	return &v1alpha1.WorkspaceTier{
		ObjectMeta: metav1.ObjectMeta{Name: "small"},
		Spec:       v1alpha1.WorkspaceTierSpec{Quota: v1alpha1.TierQuota{Default: standard, Maximum: maximum}},
	}
}

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
			err := Below("data", Admit(&v1alpha1.WorkspaceSpec{Quota: test.q}, tierOf(test.standard, test.max)))
			if diff := cmp.Diff(test.want, fieldsOf(t, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAdmit_RefusesAMissingTier(t *testing.T) {
	want := []FieldError{{"tier", "names no WorkspaceTier of this cluster"}}
	if diff := cmp.Diff(want, fieldsOf(t, Admit(&v1alpha1.WorkspaceSpec{Tier: "none"}, nil))); diff != "" {
		t.Error(diff)
	}
}

func TestEffectiveQuota_ClampsToTheMaximum(t *testing.T) {
	tests := []struct {
		name                 string
		q, standard, maximum v1alpha1.Quota
		want                 map[string]string
		clamped              []string
	}{
		{"nothing anywhere", v1alpha1.Quota{}, v1alpha1.Quota{}, v1alpha1.Quota{}, map[string]string{}, nil},
		{
			"key by key",
			v1alpha1.Quota{CPU: "1"},
			v1alpha1.Quota{CPU: "2", Memory: "1Gi"},
			v1alpha1.Quota{Memory: "2Gi", GPU: "4"},
			map[string]string{"cpu": "1", "memory": "1Gi", "gpu": "4"},
			nil,
		},
		{
			"a lowered maximum",
			v1alpha1.Quota{CPU: "40", Pods: "7"},
			v1alpha1.Quota{},
			v1alpha1.Quota{CPU: "20", Pods: "8"},
			map[string]string{"cpu": "20", "pods": "7"},
			[]string{"cpu"},
		},
		{
			"a default above the maximum",
			v1alpha1.Quota{},
			v1alpha1.Quota{Storage: "2Ti"},
			v1alpha1.Quota{Storage: "1Ti"},
			map[string]string{"storage": "1Ti"},
			[]string{"storage"},
		},
		{"zero is an amount", v1alpha1.Quota{GPU: "0"}, v1alpha1.Quota{GPU: "8"}, v1alpha1.Quota{}, map[string]string{"gpu": "0"}, nil},
		{
			"what slipped through without a bound is nothing",
			v1alpha1.Quota{CPU: "1e2147483647"},
			v1alpha1.Quota{CPU: "1"},
			v1alpha1.Quota{},
			map[string]string{"cpu": "0"},
			nil,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			amounts, clamped := EffectiveQuota(test.q, tierOf(test.standard, test.maximum))
			got := map[string]string{}
			for key, amount := range amounts {
				got[key] = amount.String()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.clamped, clamped); diff != "" {
				t.Error(diff)
			}
		})
	}
}
