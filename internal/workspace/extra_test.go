package workspace

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// deviceTier has defaults, maxima and devices beside the GPU, and denies all other devices.
func deviceTier() *v1alpha1.WorkspaceTier {
	tier := tierOf(v1alpha1.Quota{GPU: "1"}, v1alpha1.Quota{GPU: "4"})
	tier.Spec.GPUResource, tier.Spec.DenyOtherDevices = "nvidia.com/gpu", true
	tier.Spec.Quota.Default.Extra = v1alpha1.ExtraAmounts{"count/jobs.batch": "100", "requests.amd.com/gpu": "1"}
	tier.Spec.Quota.Maximum.Extra = v1alpha1.ExtraAmounts{"requests.amd.com/gpu": "2", "requests.ephemeral-storage": "1Ti"}
	tier.Spec.Domains = map[string]v1alpha1.TierDomain{"staging": {Quota: v1alpha1.TierQuota{Default: v1alpha1.TierAmounts{
		Quota: v1alpha1.Quota{Extra: v1alpha1.ExtraAmounts{"count/jobs.batch": "200", "requests.habana.ai/gaudi": "1"}},
	}}}}
	return tier
}

func TestEffectiveQuota_OfRequestedExtraKeys(t *testing.T) {
	for name, test := range map[string]struct {
		domain  string
		q       v1alpha1.Quota
		want    map[string]string
		clamped []string
	}{
		"nothing": {"", v1alpha1.Quota{}, map[string]string{
			"gpu": "1", "count/jobs.batch": "100", "requests.amd.com/gpu": "1", "requests.ephemeral-storage": "1Ti",
		}, nil},
		"within the tier, and a key that the tier does not limit": {"", v1alpha1.Quota{Extra: v1alpha1.ExtraAmounts{
			"count/jobs.batch": "99", "requests.amd.com/gpu": "2", "requests.ephemeral-storage": "1Gi", "count/secrets": "5",
		}}, map[string]string{
			"gpu": "1", "count/jobs.batch": "99", "requests.amd.com/gpu": "2", "requests.ephemeral-storage": "1Gi", "count/secrets": "5",
		}, nil},
		"above the maximum, above a default without one, and a device that the tier doesn't name": {"", v1alpha1.Quota{
			Extra: v1alpha1.ExtraAmounts{"count/jobs.batch": "101", "requests.amd.com/gpu": "3", "requests.habana.ai/gaudi": "1"},
		}, map[string]string{
			"gpu": "1", "count/jobs.batch": "100", "requests.amd.com/gpu": "2", "requests.ephemeral-storage": "1Ti",
			"requests.habana.ai/gaudi": "0",
		}, []string{"count/jobs.batch", "requests.amd.com/gpu", "requests.habana.ai/gaudi"}},
		"the default of a domain is the maximum there": {"staging", v1alpha1.Quota{
			Extra: v1alpha1.ExtraAmounts{"count/jobs.batch": "150", "requests.habana.ai/gaudi": "1"},
		}, map[string]string{
			"gpu": "1", "count/jobs.batch": "150", "requests.amd.com/gpu": "1", "requests.ephemeral-storage": "1Ti",
			"requests.habana.ai/gaudi": "1",
		}, nil},
		"the tier's GPU at two places": {
			"",
			v1alpha1.Quota{GPU: "3", Extra: v1alpha1.ExtraAmounts{"requests.nvidia.com/gpu": "2"}},
			map[string]string{"gpu": "2", "count/jobs.batch": "100", "requests.amd.com/gpu": "1", "requests.ephemeral-storage": "1Ti"},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			amounts, clamped := EffectiveQuota(test.q, deviceTier(), test.domain)
			wantQuota(t, amounts, test.want)
			if diff := cmp.Diff(test.clamped, clamped); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAdmit_RefusesExtraAmounts(t *testing.T) {
	before, after := New("fraud"), New("fraud")
	after.Spec.Quota = v1alpha1.Quota{Extra: v1alpha1.ExtraAmounts{
		"count/jobs.batch": "101", "count/secrets": "5", "requests.amd.com/gpu": "3", "requests.habana.ai/gaudi": "1",
		"requests.nvidia.com/gpu": "1", "requests.ephemeral-storage": "1024Gi",
	}}
	want := []FieldError{
		{"quota.extra[count/jobs.batch]", "is above 100, the maximum of the tier small"},
		{"quota.extra[requests.amd.com/gpu]", "is above 2, the maximum of the tier small"},
		{"quota.extra[requests.habana.ai/gaudi]", "is above 0, the maximum of the tier small"},
		{"quota.extra[requests.nvidia.com/gpu]", "is quota.gpu on the tier small"},
	}
	if diff := cmp.Diff(want, fieldsOf(t, Admit(before, after, deviceTier()))); diff != "" {
		t.Error(diff)
	}
	before.Spec = after.Spec
	before.Spec.Version, before.Spec.Tier, after.Spec.Tier = 1, "small", "small"
	if err := Admit(before, after, deviceTier()); err != nil {
		t.Errorf("what was stored before: %v", err)
	}
}

func TestDevices(t *testing.T) {
	tier := deviceTier()
	tier.Spec.Quota.Maximum.Extra["requests.deviceclass.resource.kubernetes.io/gpu"] = "1"
	tier.Spec.Quota.Maximum.Extra["requests.x.kubernetes.io/y"] = "1"
	for domain, want := range map[string][]string{
		"":        {"amd.com/gpu", "deviceclass.resource.kubernetes.io/gpu", "nvidia.com/gpu"},
		"staging": {"amd.com/gpu", "deviceclass.resource.kubernetes.io/gpu", "habana.ai/gaudi", "nvidia.com/gpu"},
	} {
		if diff := cmp.Diff(want, Devices(tier, domain)); diff != "" {
			t.Errorf("in %q: %s", domain, diff)
		}
	}
}
