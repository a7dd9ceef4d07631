package workspace

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

var threeDomains = []string{"development", "staging", "production"}

// sharedTier has these weights; -1 is none.
func sharedTier(weights ...int32) *v1alpha1.WorkspaceTier {
	tier := tierOf(v1alpha1.Quota{}, v1alpha1.Quota{})
	tier.Spec.QuotaScope, tier.Spec.Domains = v1alpha1.QuotaScopeWorkspace, map[string]v1alpha1.TierDomain{}
	for i, weight := range weights {
		if weight >= 0 {
			tier.Spec.Domains[threeDomains[i]] = v1alpha1.TierDomain{Share: &weight}
		}
	}
	return tier
}

func TestNamespaceQuota_SharesByWeight(t *testing.T) {
	q := v1alpha1.Quota{CPU: "10", Memory: "100Gi", Pods: "10", Extra: v1alpha1.ExtraAmounts{"count/configmaps": "30", "secrets": "2"}}
	tests := map[string]struct {
		weights []int32
		want    []string
	}{
		"no weights": {nil, []string{
			"cpu 3333m, memory 35791394133, pods 3, count/configmaps 10, secrets 0",
			"cpu 3333m, memory 35791394133, pods 3, count/configmaps 10, secrets 1",
			"cpu 3334m, memory 35791394134, pods 4, count/configmaps 10, secrets 1",
		}},
		"three weights": {[]int32{1, 2, 5}, []string{
			"cpu 1250m, memory 12800Mi, pods 1, count/configmaps 5, secrets 0",
			"cpu 2500m, memory 25Gi, pods 2, count/configmaps 8, secrets 0",
			"cpu 6250m, memory 64000Mi, pods 7, count/configmaps 17, secrets 2",
		}},
		"nothing for one, but what every namespace needs": {[]int32{0, 1, -1}, []string{
			"cpu 0, memory 0, pods 0, count/configmaps 2, secrets 0",
			"cpu 5, memory 50Gi, pods 5, count/configmaps 14, secrets 1",
			"cpu 5, memory 50Gi, pods 5, count/configmaps 14, secrets 1",
		}},
		"nothing for all": {[]int32{0, 0, 0}, []string{
			"cpu 0, memory 0, pods 0, count/configmaps 2, secrets 0",
			"cpu 0, memory 0, pods 0, count/configmaps 2, secrets 0",
			"cpu 0, memory 0, pods 0, count/configmaps 2, secrets 0",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for i, domain := range threeDomains {
				amounts, _ := NamespaceQuota(q, sharedTier(test.weights...), domain, threeDomains)
				text := func(key string) string { return key + " " + new(amounts[key]).String() }
				got := text("cpu") + ", " + text("memory") + ", " + text("pods") + ", " + text("count/configmaps") + ", " + text("secrets")
				if diff := cmp.Diff(test.want[i], got); diff != "" {
					t.Errorf("%s: %s", domain, diff)
				}
			}
		})
	}
	whole, _ := NamespaceQuota(q, sharedTier(), "", nil)
	if cpu := whole["cpu"]; cpu.String() != "10" {
		t.Errorf("one namespace for all domains has %s cores", cpu.String())
	}
}

// The shares of any amount by any weights add up to the amount in whole units, or to nothing if all weights are zero.
func TestNamespaceQuota_SharesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		suffix := rapid.SampledFrom([]string{"", "m", "k", "G", "P", "Ki", "Ti", "Pi"}).Draw(t, "suffix")
		text := fmt.Sprintf("%d.%03d%s", rapid.IntRange(0, 999_999_999).Draw(t, "amount"), rapid.IntRange(0, 999).Draw(t, "fraction"), suffix)
		weights := rapid.SliceOfN(rapid.Int32Range(-1, 1000), 3, 3).Draw(t, "weights")
		tier, q := sharedTier(weights...), v1alpha1.Quota{CPU: v1alpha1.Quantity(text), Memory: v1alpha1.Quantity(text)}
		sum := map[string]*resource.Quantity{"cpu": {}, "memory": {}}
		for _, domain := range threeDomains {
			amounts, _ := NamespaceQuota(q, tier, domain, threeDomains)
			for key := range sum {
				if amount := amounts[key]; amount.Sign() < 0 {
					t.Fatalf("%s of %s is %s", domain, text, amount.String())
				}
				sum[key].Add(amounts[key])
			}
		}
		whole, _ := NamespaceQuota(q, tier, "", nil)
		for key, amount := range whole {
			over := sum[key].Cmp(amount) > 0
			missing := amount.DeepCopy()
			missing.Sub(*sum[key])
			some := weights[0] != 0 || weights[1] != 0 || weights[2] != 0
			if over || some && missing.Cmp(resource.MustParse("1")) >= 0 && amount.Cmp(resource.MustParse("9e15")) < 0 {
				t.Fatalf("the shares of %s %s by %v are %s", key, amount.String(), weights, sum[key].String())
			}
		}
	})
}

// A quota never counts so few ConfigMaps that the tier's own don't fit.
func TestNamespaceQuota_LeavesRoomForTierObjects(t *testing.T) {
	for _, c := range []struct {
		scope           v1alpha1.QuotaScope
		asked, of, want string
	}{
		{v1alpha1.QuotaScopeNamespace, "2", "ConfigMap", "4 4"},
		{v1alpha1.QuotaScopeNamespace, "9", "ConfigMap", "9 9"},
		{v1alpha1.QuotaScopeNamespace, "2", "Widget", "2 2"},
		{v1alpha1.QuotaScopeWorkspace, "2", "ConfigMap", "4 4"},
		{v1alpha1.QuotaScopeWorkspace, "10", "ConfigMap", "4 6"},
	} {
		tier := &v1alpha1.WorkspaceTier{}
		tier.Spec.QuotaScope = c.scope
		tier.Spec.Domains = map[string]v1alpha1.TierDomain{"development": {Share: ptr.To[int32](0)}}
		tier.Spec.Objects = []v1alpha1.TierObject{{APIVersion: "v1", Kind: c.of}, {APIVersion: "v1", Kind: c.of}}
		q := v1alpha1.Quota{Extra: v1alpha1.ExtraAmounts{"count/configmaps": v1alpha1.Quantity(c.asked)}}
		var got []string
		for _, domain := range []string{"development", "production"} {
			amounts, _ := NamespaceQuota(q, tier, domain, []string{"development", "production"})
			amount := amounts["count/configmaps"]
			got = append(got, amount.String())
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
