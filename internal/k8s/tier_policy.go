package k8s

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// tierPolicyName is the NetworkPolicy of what the tier opens.
const tierPolicyName = "allow-tier"

// What the presets of a tier open. GKE's metadata server is reached behind a translation of the usual address, at port
// 988 (cloud.google.com/kubernetes-engine/docs/how-to/network-policy).
var (
	metadataServer     = []string{"169.254.169.254/32", "169.254.169.252/32", "fd00:ec2::254/128", "fd20:ce::254/128"}
	eksPodIdentity     = []string{"169.254.170.23/32", "fd00:ec2::23/128"}
	metadataPorts      = tcp(80, 988)
	podIdentityPorts   = tcp(80)
	kubeAPIPorts       = tcp(443, 6443)
	privateServicePort = tcp(443)
)

// TierPolicy is the NetworkPolicy of what the tier opens beside what every workspace has. Where the tier opens nothing,
// wanted is false, and the policy must not exist.
func (p *Plan) TierPolicy() (policy *networkingv1.NetworkPolicy, wanted bool) {
	network := p.Tier.Spec.Network
	spec := networkingv1.NetworkPolicySpec{Ingress: scraped(network.Scrapers), Egress: opened(network)}
	if len(spec.Ingress) > 0 {
		spec.PolicyTypes = append(spec.PolicyTypes, networkingv1.PolicyTypeIngress)
	}
	if len(spec.Egress) > 0 {
		spec.PolicyTypes = append(spec.PolicyTypes, networkingv1.PolicyTypeEgress)
	}
	return p.policy(tierPolicyName, spec), len(spec.PolicyTypes) > 0
}

func opened(network v1alpha1.TierNetwork) (rules []networkingv1.NetworkPolicyEgressRule) {
	open := func(peers []networkingv1.NetworkPolicyPeer, on []networkingv1.NetworkPolicyPort) {
		if len(peers) > 0 { // a rule without peers would open the world
			rules = append(rules, networkingv1.NetworkPolicyEgressRule{To: peers, Ports: on})
		}
	}
	if network.MetadataServer {
		open(exactly(metadataServer), metadataPorts)
	}
	if network.EKSPodIdentity {
		open(exactly(eksPodIdentity), podIdentityPorts)
	}
	open(blocks(network.KubeAPI...), kubeAPIPorts)
	open(blocks(network.PrivateEndpoints...), privateServicePort)
	for _, rule := range network.Egress {
		open(blocksWithout(rule.Except, rule.CIDR), ports(rule.Ports))
	}
	return rules
}

func scraped(scrapers []v1alpha1.Scraper) (rules []networkingv1.NetworkPolicyIngressRule) {
	for _, s := range scrapers {
		from := networkingv1.NetworkPolicyPeer{NamespaceSelector: namespaceNamed(s.Namespace)}
		if len(s.PodLabels) > 0 {
			from.PodSelector = &metav1.LabelSelector{MatchLabels: plain(s.PodLabels)}
		}
		rules = append(rules, networkingv1.NetworkPolicyIngressRule{
			From: []networkingv1.NetworkPolicyPeer{from}, Ports: ports(s.Ports),
		})
	}
	return rules
}

// exactly are peers with these addresses, metadata addresses or not.
func exactly(cidrs []string) (peers []networkingv1.NetworkPolicyPeer) {
	for _, cidr := range cidrs {
		peers = append(peers, networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: cidr}})
	}
	return peers
}

func blocks(cidrs ...v1alpha1.OpenCIDR) []networkingv1.NetworkPolicyPeer {
	return blocksWithout(nil, cidrs...)
}

// blocksWithout are peers with these addresses but for exceptions and metadata addresses: policies add up, so that what
// one excepts another one would open. What is no CIDR, or is a metadata address itself, opens nothing.
func blocksWithout(except []v1alpha1.CIDR, cidrs ...v1alpha1.OpenCIDR) (peers []networkingv1.NetworkPolicyPeer) {
	for _, cidr := range cidrs {
		prefix, err := netip.ParsePrefix(string(cidr))
		if err != nil || slices.ContainsFunc(metadataCIDRs, func(m string) bool { return contains(netip.MustParsePrefix(m), prefix) }) {
			continue
		}
		block := &networkingv1.IPBlock{CIDR: string(cidr)}
		for _, e := range except {
			block.Except = append(block.Except, string(e))
		}
		for _, metadata := range metadataCIDRs {
			if m := netip.MustParsePrefix(metadata); contains(prefix, m) && !excepted(block.Except, m) {
				block.Except = append(block.Except, metadata)
			}
		}
		peers = append(peers, networkingv1.NetworkPolicyPeer{IPBlock: block})
	}
	return peers
}

func excepted(except []string, m netip.Prefix) bool {
	return slices.ContainsFunc(except, func(e string) bool {
		prefix, err := netip.ParsePrefix(e)
		return err == nil && contains(prefix, m)
	})
}

// contains tells whether all addresses of inner are in outer.
func contains(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// ports are complete with the API server's defaults.
func ports(wanted []v1alpha1.NetworkPort) (all []networkingv1.NetworkPolicyPort) {
	for _, w := range wanted {
		protocol, port := corev1.Protocol(w.Protocol), intstr.FromInt32(w.Port)
		if protocol == "" {
			protocol = corev1.ProtocolTCP
		}
		one := networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: &port}
		if w.EndPort > 0 {
			one.EndPort = &w.EndPort
		}
		all = append(all, one)
	}
	return all
}

func tcp(numbers ...int32) (all []networkingv1.NetworkPolicyPort) {
	for _, n := range numbers {
		all = append(all, ports([]v1alpha1.NetworkPort{{Port: n}})...)
	}
	return all
}
