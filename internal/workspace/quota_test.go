package workspace

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
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
		Spec: v1alpha1.WorkspaceTierSpec{Quota: v1alpha1.TierQuota{
			Default: v1alpha1.TierAmounts{Quota: standard}, Maximum: v1alpha1.TierAmounts{Quota: maximum},
		}},
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
			nil,
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
			amounts, clamped := EffectiveQuota(test.q, tierOf(test.standard, test.maximum), "")
			wantQuota(t, amounts, test.want)
			if diff := cmp.Diff(test.clamped, clamped); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func wantQuota(t *testing.T, amounts map[string]resource.Quantity, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for key, amount := range amounts {
		got[key] = amount.String()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEffectiveQuota_OfADomain(t *testing.T) {
	tier := tierOf(v1alpha1.Quota{CPU: "40", Memory: "64Gi", Pods: "100"}, v1alpha1.Quota{CPU: "80", Pods: "200"})
	tier.Spec.Quota.Default.Services = "10"
	tier.Spec.Quota.Maximum.PersistentVolumeClaims = "5"
	tier.Spec.Domains = map[string]v1alpha1.TierDomain{"development": {Quota: v1alpha1.TierQuota{
		Default: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{CPU: "4", Storage: "1Gi"}, Services: "2"},
		Maximum: v1alpha1.TierAmounts{Quota: v1alpha1.Quota{CPU: "8", Memory: "32Gi"}},
	}}}
	for name, test := range map[string]struct {
		q       v1alpha1.Quota
		domain  string
		want    map[string]string
		clamped []string
	}{
		"another domain": {
			v1alpha1.Quota{CPU: "60"},
			"production",
			map[string]string{"cpu": "60", "memory": "64Gi", "pods": "100", "services": "10", "persistentVolumeClaims": "5"},
			nil,
		},
		"defaults, the tier's no higher than the domain's maximum": {
			v1alpha1.Quota{},
			"development",
			map[string]string{
				"cpu": "4", "memory": "32Gi", "pods": "100", "storage": "1Gi", "services": "2", "persistentVolumeClaims": "5",
			},
			nil,
		},
		"what the workspace wants, up to the maximum": {
			v1alpha1.Quota{CPU: "60", Memory: "16Gi", Pods: "300"},
			"development",
			map[string]string{
				"cpu": "8", "memory": "16Gi", "pods": "200", "storage": "1Gi", "services": "2", "persistentVolumeClaims": "5",
			},
			[]string{"cpu", "pods"},
		},
		"one namespace for all domains": {
			v1alpha1.Quota{},
			"",
			map[string]string{"cpu": "40", "memory": "64Gi", "pods": "100", "services": "10", "persistentVolumeClaims": "5"},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			amounts, clamped := EffectiveQuota(test.q, tier, test.domain)
			wantQuota(t, amounts, test.want)
			if diff := cmp.Diff(test.clamped, clamped); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEffectiveQuota_HasExtraKeys(t *testing.T) {
	extra := func(amounts v1alpha1.ExtraAmounts) v1alpha1.TierAmounts {
		return v1alpha1.TierAmounts{Quota: v1alpha1.Quota{Extra: amounts}}
	}
	tier := tierOf(v1alpha1.Quota{CPU: "1"}, v1alpha1.Quota{})
	tier.Spec.Quota.Default.Extra = v1alpha1.ExtraAmounts{"count/jobs.batch": "5", "count/configmaps": "7"}
	tier.Spec.Domains = map[string]v1alpha1.TierDomain{"staging": {Quota: v1alpha1.TierQuota{
		Default: extra(v1alpha1.ExtraAmounts{"count/jobs.batch": "10", "count/secrets": "20"}),
		Maximum: extra(v1alpha1.ExtraAmounts{"count/jobs.batch": "9", "limits.ephemeral-storage": "1Ti"}),
	}}}
	for domain, want := range map[string]map[string]string{
		"":        {"cpu": "1", "count/jobs.batch": "5", "count/configmaps": "7"},
		"staging": {"cpu": "1", "count/jobs.batch": "9", "count/configmaps": "7", "count/secrets": "20", "limits.ephemeral-storage": "1Ti"},
	} {
		amounts, clamped := EffectiveQuota(v1alpha1.Quota{}, tier, domain)
		got := map[string]string{}
		for key, amount := range amounts {
			got[key] = amount.String()
		}
		if diff := cmp.Diff(want, got); diff != "" || len(clamped) > 0 {
			t.Errorf("in %q (clamped %v, -want +got):\n%s", domain, clamped, diff)
		}
	}
}
