package desired

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	"pgregory.net/rapid"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/flyte"
	"platform.company.com/workspace-flyte-integration/internal/workspace"
)

// taskResourcesWithin are the task resources of a workspace whose quota is the tier's.
func taskResourcesWithin(
	quota v1alpha1.TierAmounts, bounds v1alpha1.LimitRange, wanted v1alpha1.FlyteTaskResources,
) flyte.TaskResources {
	made := &v1alpha1.WorkspaceTier{Spec: v1alpha1.WorkspaceTierSpec{Quota: v1alpha1.TierQuota{Default: quota}, LimitRange: bounds}}
	amounts, _ := workspace.EffectiveQuota(v1alpha1.Quota{}, made, "")
	t := domainTarget{workspace: &v1alpha1.Workspace{}, tier: made, amounts: amounts}
	return *t.taskResources(&wanted)
}

func TestTaskResources_FitQuotaAndLimitRange(t *testing.T) {
	t.Parallel()
	type amounts = v1alpha1.FlyteResources
	standard := flyte.Resources{CPU: "250m", Memory: "512Mi"} // neither the tier nor its limit range has defaults
	tests := map[string]struct {
		quota    v1alpha1.Quota
		extra    v1alpha1.ExtraAmounts
		bounds   v1alpha1.LimitRange
		defaults amounts
		limits   amounts
		want     flyte.TaskResources
	}{
		"inside": {
			quota: v1alpha1.Quota{CPU: "40", Memory: "160Gi", GPU: "4"}, limits: amounts{CPU: "16", Memory: "64Gi", GPU: "1"},
			want: flyte.TaskResources{Defaults: standard, Limits: flyte.Resources{CPU: "16", Memory: "64Gi", GPU: "1"}},
		},
		"all of the quota": {
			quota: v1alpha1.Quota{CPU: "16", Memory: "64Gi", GPU: "4"}, limits: amounts{CPU: "16", Memory: "64Gi", GPU: "4"},
			want: flyte.TaskResources{Defaults: standard, Limits: flyte.Resources{CPU: "15999m", Memory: "65535Mi", GPU: "3"}},
		},
		"nothing wanted": {
			quota: v1alpha1.Quota{CPU: "16", Memory: "64Gi"},
			want:  flyte.TaskResources{Defaults: standard, Limits: flyte.Resources{CPU: "15999m", Memory: "65535Mi"}},
		},
		"the limit range is less": {
			quota: v1alpha1.Quota{CPU: "40", Memory: "160Gi"}, bounds: v1alpha1.LimitRange{Max: v1alpha1.ComputeResources{CPU: "8", Memory: "32Gi"}},
			limits: amounts{CPU: "16", Memory: "64Gi"},
			want:   flyte.TaskResources{Defaults: standard, Limits: flyte.Resources{CPU: "7999m", Memory: "32767Mi"}},
		},
		"no quota": {
			limits: amounts{CPU: "16", EphemeralStorage: "10Gi"},
			want:   flyte.TaskResources{Defaults: standard, Limits: flyte.Resources{CPU: "16", EphemeralStorage: "10Gi"}},
		},
		"one GPU": {
			quota: v1alpha1.Quota{GPU: "1"}, limits: amounts{GPU: "1"},
			want: flyte.TaskResources{Defaults: standard, Limits: flyte.Resources{GPU: "1"}},
		},
		"nothing allowed": {
			quota: v1alpha1.Quota{CPU: "0", Memory: "0", GPU: "0"}, limits: amounts{CPU: "16", Memory: "64Gi", GPU: "4"},
			want: flyte.TaskResources{
				Defaults: flyte.Resources{CPU: "1m", Memory: "1"}, Limits: flyte.Resources{CPU: "1m", Memory: "1", GPU: "1"},
			},
		},
		"less memory than a step": {
			quota: v1alpha1.Quota{Memory: "512Ki"},
			want:  flyte.TaskResources{Defaults: flyte.Resources{CPU: "250m", Memory: "524287"}, Limits: flyte.Resources{Memory: "524287"}},
		},
		"limits of zero": {
			limits: amounts{CPU: "0", Memory: "0", GPU: "0"},
			want: flyte.TaskResources{
				Defaults: flyte.Resources{CPU: "1m", Memory: "1"}, Limits: flyte.Resources{CPU: "1m", Memory: "1", GPU: "1"},
			},
		},
		"defaults of zero": {defaults: amounts{CPU: "0", Memory: "0", GPU: "0"}, want: flyte.TaskResources{Defaults: standard}},
		"defaults of the limit range": {
			bounds: v1alpha1.LimitRange{
				DefaultRequest: v1alpha1.ComputeResources{CPU: "300m"}, Default: v1alpha1.ComputeResources{CPU: "1", Memory: "2Gi"},
			},
			want: flyte.TaskResources{Defaults: flyte.Resources{CPU: "300m", Memory: "2Gi"}},
		},
		"defaults above the limit": {
			quota: v1alpha1.Quota{CPU: "2"}, defaults: amounts{CPU: "4"},
			want: flyte.TaskResources{Defaults: flyte.Resources{CPU: "1999m", Memory: "512Mi"}, Limits: flyte.Resources{CPU: "1999m"}},
		},
		"defaults below the minimum": {
			bounds:   v1alpha1.LimitRange{Min: v1alpha1.ComputeResources{CPU: "100m", Memory: "64Mi"}},
			defaults: amounts{CPU: "10m", Memory: "128Mi"},
			want:     flyte.TaskResources{Defaults: flyte.Resources{CPU: "100m", Memory: "128Mi"}},
		},
		"ephemeral storage": {
			extra: v1alpha1.ExtraAmounts{"requests.ephemeral-storage": "10Gi", "limits.ephemeral-storage": "20Gi", "count/jobs.batch": "7"},
			want: flyte.TaskResources{
				Defaults: flyte.Resources{CPU: "250m", Memory: "512Mi", EphemeralStorage: "1Gi"}, Limits: flyte.Resources{EphemeralStorage: "10239Mi"},
			},
		},
		"ephemeral storage, whose default the limit range gives": {
			extra:  v1alpha1.ExtraAmounts{"limits.ephemeral-storage": "20Gi"},
			bounds: v1alpha1.LimitRange{Default: v1alpha1.ComputeResources{EphemeralStorage: "5Gi"}},
			want:   flyte.TaskResources{Defaults: standard, Limits: flyte.Resources{EphemeralStorage: "20479Mi"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			quota := v1alpha1.TierAmounts{Quota: test.quota}
			quota.Extra = test.extra
			got := taskResourcesWithin(quota, test.bounds, v1alpha1.FlyteTaskResources{Defaults: test.defaults, Limits: test.limits})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// For any tier, limit range and quota, no default or limit is zero, and every resource that the quota bounds has a limit.
func TestTaskResources_AreNeverZero(t *testing.T) {
	t.Parallel()
	text := func(t *rapid.T, label string) string {
		return rapid.SampledFrom([]string{"", "0", "1m", "10m", "250m", "1", "2", "40", "100Ki", "1Mi", "16Mi", "2Gi", "3.5Gi"}).Draw(t, label)
	}
	whole := func(t *rapid.T, label string) v1alpha1.Count {
		return v1alpha1.Count(rapid.SampledFrom([]string{"", "0", "1", "2", "8"}).Draw(t, label))
	}
	amount := func(t *rapid.T, label string) v1alpha1.Quantity { return v1alpha1.Quantity(text(t, label)) }
	compute := func(t *rapid.T, label string) v1alpha1.ComputeResources {
		return v1alpha1.ComputeResources{
			CPU: amount(t, label), Memory: amount(t, label+" memory"), EphemeralStorage: amount(t, label+" storage"),
		}
	}
	resources := func(t *rapid.T, label string) v1alpha1.FlyteResources {
		c := compute(t, label)
		return v1alpha1.FlyteResources{CPU: c.CPU, Memory: c.Memory, EphemeralStorage: c.EphemeralStorage, GPU: whole(t, label+" gpu")}
	}
	rapid.Check(t, func(t *rapid.T) {
		asked := compute(t, "quota")
		quota := v1alpha1.TierAmounts{Quota: v1alpha1.Quota{CPU: asked.CPU, Memory: asked.Memory, GPU: whole(t, "quota gpu")}}
		if asked.EphemeralStorage != "" {
			quota.Extra = v1alpha1.ExtraAmounts{"limits.ephemeral-storage": asked.EphemeralStorage}
		}
		bounds := v1alpha1.LimitRange{
			Min: compute(t, "min"), Max: compute(t, "max"), Default: compute(t, "default"), DefaultRequest: compute(t, "defaultRequest"),
		}
		got := taskResourcesWithin(quota, bounds, v1alpha1.FlyteTaskResources{Defaults: resources(t, "defaults"), Limits: resources(t, "limits")})
		for _, c := range []checkedAmount{
			{"cpu", got.Defaults.CPU, got.Limits.CPU, quota.CPU, bounds.Max.CPU, bounds.Min.CPU, "1m", true},
			{"memory", got.Defaults.Memory, got.Limits.Memory, quota.Memory, bounds.Max.Memory, bounds.Min.Memory, "1", true},
			{"gpu", got.Defaults.GPU, got.Limits.GPU, v1alpha1.Quantity(quota.GPU), "", "", "1", false},
			{
				"storage", got.Defaults.EphemeralStorage, got.Limits.EphemeralStorage, asked.EphemeralStorage, bounds.Max.EphemeralStorage,
				bounds.Min.EphemeralStorage, "1", false,
			},
		} {
			c.check(t)
		}
	})
}

// checkedAmount is the default and the limit of one resource, and their bounds.
type checkedAmount struct {
	name, standard, limit string
	quota, most, least    v1alpha1.Quantity
	unit                  string
	always                bool // it must have a default
}

func (c checkedAmount) check(t *rapid.T) {
	positive := func(name, text string) resource.Quantity {
		amount := resource.MustParse(text)
		if amount.Sign() <= 0 {
			t.Fatalf("%s: the %s is %s", c.name, name, text)
		}
		return amount
	}
	unit, limit := resource.MustParse(c.unit), resource.Quantity{}
	if c.limit != "" {
		limit = positive("limit", c.limit)
	} else if c.quota != "" || c.most != "" {
		t.Fatalf("%s has no limit under the quota %q and the maximum %q", c.name, c.quota, c.most)
	}
	for _, bound := range []v1alpha1.Quantity{c.quota, c.most} {
		if most := workspace.ParseQuantity(bound); bound != "" && limit.Cmp(most) >= 0 && limit.Cmp(unit) > 0 {
			t.Fatalf("%s: the limit %s is not below %s", c.name, c.limit, bound)
		}
	}
	switch {
	case c.standard == "" && c.always:
		t.Fatalf("%s has no default", c.name)
	case c.standard == "":
		return
	}
	standard, least := positive("default", c.standard), workspace.ParseQuantity(c.least)
	if c.limit != "" && standard.Cmp(limit) > 0 {
		t.Fatalf("%s: the default %s is above the limit %s", c.name, c.standard, c.limit)
	}
	if standard.Cmp(least) < 0 && (c.limit == "" || limit.Cmp(least) >= 0) {
		t.Fatalf("%s: the default %s is below the minimum %s", c.name, c.standard, c.least)
	}
}
