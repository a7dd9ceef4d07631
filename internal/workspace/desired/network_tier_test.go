package desired_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

// Rules add up, so a tier's ranges must except the metadata addresses that the general egress rule excepts.
func TestNetwork_TierRangesExceptMetadataAddresses(t *testing.T) {
	aws := []string{"169.254.169.254/32", "169.254.169.252/32", "169.254.170.2/32", "169.254.170.23/32"}
	for cidr, want := range map[v1alpha1.OpenCIDR][]string{
		"169.254.0.0/16":     slices.Concat(aws, []string{"169.254.42.42/32"}),
		"168.63.0.0/16":      {"168.63.129.16/32"},
		"128.0.0.0/1":        slices.Concat(aws, []string{"168.63.129.16/32", "169.254.42.42/32"}),
		"fd00::/8":           {"fd00:ec2::254/128", "fd00:ec2::23/128", "fd20:ce::254/128", "fd00:c1::a9fe:a9fe/128", "fd00:42::42/128"},
		"10.0.0.0/8":         nil,
		"169.254.169.255/32": nil,
		"64:ff9b::8000:0/98": {
			"64:ff9b::a9fe:a9fe/128", "64:ff9b::a9fe:a9fc/128", "64:ff9b::a9fe:aa02/128",
			"64:ff9b::a9fe:aa17/128", "64:ff9b::a83f:8110/128", "64:ff9b::a9fe:2a2a/128",
		},
	} {
		for name, network := range map[string]v1alpha1.TierNetwork{
			"egress": {Egress: []v1alpha1.EgressRule{{CIDR: cidr}}}, "kubeAPI": {KubeAPI: []v1alpha1.OpenCIDR{cidr}},
			"privateEndpoints": {PrivateEndpoints: []v1alpha1.OpenCIDR{cidr}},
		} {
			peers := tierEgressPeers(t, network)
			block := &networkingv1.IPBlock{CIDR: string(cidr), Except: want}
			if diff := cmp.Diff([]networkingv1.NetworkPolicyPeer{{IPBlock: block}}, peers); diff != "" {
				t.Errorf("%s of %s: %s", name, cidr, diff)
			}
		}
	}
}

func TestNetwork_TierExceptionsAreNotRepeated(t *testing.T) {
	peers := tierEgressPeers(t, v1alpha1.TierNetwork{Egress: []v1alpha1.EgressRule{{
		CIDR: "169.254.0.0/16", Except: []v1alpha1.CIDR{"169.254.170.0/24"},
	}}})
	want := []string{"169.254.170.0/24", "169.254.169.254/32", "169.254.169.252/32", "169.254.42.42/32"}
	if diff := cmp.Diff(want, peers[0].IPBlock.Except); diff != "" {
		t.Error(diff)
	}
}

// An egress rule without peers would allow all addresses.
func TestNetwork_MetadataAddressesOfATierAddNoRule(t *testing.T) {
	for _, cidr := range []v1alpha1.OpenCIDR{
		"169.254.169.254/32", "fd00:ec2:0:0:0:0:0:254/128", "64:ff9b::a9fe:a9fe/128", "no CIDR", "",
	} {
		if rules := tierEgressRules(v1alpha1.TierNetwork{
			Egress: []v1alpha1.EgressRule{{CIDR: cidr}}, KubeAPI: []v1alpha1.OpenCIDR{cidr}, PrivateEndpoints: []v1alpha1.OpenCIDR{cidr},
		}); len(rules) > 0 {
			t.Errorf("%q opens %v", cidr, rules)
		}
	}
}

// tierEgressRules are the egress rules that the tier adds.
func tierEgressRules(network v1alpha1.TierNetwork) []networkingv1.NetworkPolicyEgressRule {
	p := desiredtest.Plan("flyte-ws-001")
	without := len(policyOf(p).Spec.Egress)
	p.Tier.Spec.Network = network
	return policyOf(p).Spec.Egress[without:]
}

func tierEgressPeers(t *testing.T, network v1alpha1.TierNetwork) []networkingv1.NetworkPolicyPeer {
	t.Helper()
	rules := tierEgressRules(network)
	if len(rules) != 1 {
		t.Fatalf("the tier adds %v", rules)
	}
	return rules[0].To
}
