package desired_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"pgregory.net/rapid"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

// sharing is a cluster with the namespaces of one workspace, whose quota they share.
type sharing struct {
	t     *rapid.T
	quota v1alpha1.Quota
	tier  v1alpha1.WorkspaceTierSpec
	live  []*corev1.ResourceQuota // by domain; nil where none exists
	// quotas are those of the workspace since the last change that was carried out to its end.
	quotas []corev1.ResourceList
}

var sharingDomains = []string{"development", "staging", "production"}

// change draws another quota and other shares. Until a change is carried out to its end, the larger of both quotas bounds the sum.
func (s *sharing) change() {
	amount := func(label string) string {
		return rapid.SampledFrom([]string{"", "0", "1", "7", "100", "4096"}).Draw(s.t, label)
	}
	s.quota = v1alpha1.Quota{CPU: v1alpha1.Quantity(amount("cpu")), Pods: v1alpha1.Count(amount("pods"))}
	if extra := amount("extra"); extra != "" {
		s.quota.Extra = v1alpha1.ExtraAmounts{"count/configmaps": v1alpha1.Quantity(extra)}
	}
	s.tier = v1alpha1.WorkspaceTierSpec{QuotaScope: v1alpha1.QuotaScopeWorkspace, Domains: map[string]v1alpha1.TierDomain{}}
	for _, domain := range sharingDomains {
		s.tier.Domains[domain] = v1alpha1.TierDomain{Share: new(rapid.Int32Range(0, 5).Draw(s.t, "share of "+domain))}
	}
	s.quotas = append(s.quotas, s.whole())
}

// plan is for one domain, or for "", where all domains are one.
func (s *sharing) plan(domain string) *desired.Plan {
	p := desiredtest.Plan("flyte-ws-001-" + domain)
	p.Namespace.Domain, p.Domains = domain, sharingDomains
	p.Workspace.Spec.Quota, p.Tier.Spec = s.quota, s.tier
	return p
}

func quotaOf(p *desired.Plan) *corev1.ResourceQuota {
	return p.Quota().Objects[0].(*corev1.ResourceQuota)
}

func (s *sharing) whole() corev1.ResourceList { return quotaOf(s.plan("")).Spec.Hard }

// carryOut writes the quotas of the first step, and then those that are desired, each step in any order, and may stop at any time.
func (s *sharing) carryOut() (complete bool) {
	wanted := make([]*corev1.ResourceQuota, len(sharingDomains))
	for i, domain := range sharingDomains {
		wanted[i] = quotaOf(s.plan(domain))
	}
	crash := rapid.IntRange(0, 10).Draw(s.t, "writes until the crash")
	for _, step := range [][]*corev1.ResourceQuota{desired.LowerFirst(s.live, wanted), wanted} {
		order := rapid.Permutation([]int{0, 1, 2}).Draw(s.t, "order")
		for _, i := range order {
			if step == nil {
				continue
			}
			crash--
			if crash < 0 {
				return false
			}
			s.live[i] = step[i].DeepCopy()
			s.check()
		}
	}
	return true
}

// check compares the sum of each key with the largest of the quotas. Where one of them had no limit, the sum has none.
func (s *sharing) check() {
	for key, most := range s.whole() {
		unlimited := false
		for _, quota := range s.quotas {
			amount, limited := quota[key]
			unlimited = unlimited || !limited
			if amount.Cmp(most) > 0 {
				most = amount
			}
		}
		sum := resource.Quantity{}
		for _, quota := range s.live {
			if quota != nil {
				sum.Add(quota.Spec.Hard[key])
			}
		}
		if !unlimited && sum.Cmp(most) > 0 {
			s.t.Fatalf("the sum of %s is %s, above %s", key, sum.String(), most.String())
		}
	}
}

// Whatever sequence of quotas, shares and crashes, the sum over the namespaces never exceeds the workspace's quota.
func TestLowerFirst_KeepsTheSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &sharing{t: t, live: make([]*corev1.ResourceQuota, len(sharingDomains))}
		for range rapid.IntRange(1, 12).Draw(t, "changes") {
			s.change()
			if s.carryOut() {
				s.quotas = []corev1.ResourceList{s.whole()}
				s.check()
			}
		}
	})
}
