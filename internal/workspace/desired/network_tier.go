package desired

import (
	"cmp"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/netguard"
)

// The ports that the settings of a tier allow. GKE translates the usual address of the metadata server to one with port 988
// (cloud.google.com/kubernetes-engine/docs/how-to/network-policy).
var (
	metadataPorts      = tcpPorts(80, 988)
	podIdentityPorts   = tcpPorts(80)
	kubeAPIPorts       = tcpPorts(443, 6443)
	privateServicePort = tcpPorts(443)
	// rayPorts are the ports of Ray pods that KubeRay's operator dials: the head's dashboard, which takes jobs, and Ray Serve's proxy.
	rayPorts = tcpPorts(8265, 8000)
)

// metadataRanges are the metadata addresses, and their NAT64 forms.
var metadataRanges = netguard.WithMetadata(nil)

// rayOperatorName is the value of the label app.kubernetes.io/component in KubeRay's Helm chart and manifests, and the usual namespace.
const rayOperatorName = "kuberay-operator"

// tierEgressRules allow the egress that the tier adds.
func (p *Plan) tierEgressRules() (rules []networkingv1.NetworkPolicyEgressRule) {
	network := p.Tier.Spec.Network
	if network.MetadataServer {
		rules = append(rules, egressRule(ipBlocks(netguard.MetadataServer), metadataPorts)...)
	}
	if network.EKSPodIdentity {
		rules = append(rules, egressRule(ipBlocks(netguard.EKSPodIdentity), podIdentityPorts)...)
	}
	if p.Tier.Spec.Workload.Role != "" {
		rules = append(rules, apiServerRules(p.APIServers)...)
	}
	rules = append(rules, egressRule(safeIPBlocks(nil, network.KubeAPI...), kubeAPIPorts)...)
	rules = append(rules, egressRule(safeIPBlocks(nil, network.PrivateEndpoints...), privateServicePort)...)
	for _, rule := range network.Egress {
		rules = append(rules, egressRule(safeIPBlocks(rule.Except, rule.CIDR), policyPorts(rule.Ports))...)
	}
	for _, pods := range network.Namespaces {
		rules = append(rules, egressRule(peersOf(pods), policyPorts(pods.Ports))...)
	}
	return rules
}

// apiServerRules allow the egress to the Kubernetes API.
func apiServerRules(servers []APIServer) (rules []networkingv1.NetworkPolicyEgressRule) {
	for _, api := range servers {
		if len(api.Ports) > 0 { // a rule without ports would allow all of them
			rules = append(rules, egressRule(safeIPBlocks(nil, api.CIDRs...), tcpPorts(api.Ports...))...)
		}
	}
	return rules
}

// tierIngressRules allow the ingress from other namespaces that the tier adds.
func tierIngressRules(tier *v1alpha1.WorkspaceTierSpec) (rules []networkingv1.NetworkPolicyIngressRule) {
	for _, pods := range tier.Network.Scrapers {
		rules = append(rules, networkingv1.NetworkPolicyIngressRule{From: peersOf(pods), Ports: policyPorts(pods.Ports)})
	}
	if tier.Workload.Role == v1alpha1.WorkloadRay {
		rules = append(rules, networkingv1.NetworkPolicyIngressRule{From: rayOperator(tier.Network.RayOperator), Ports: rayPorts})
	}
	return rules
}

func rayOperator(named *v1alpha1.RayOperator) []networkingv1.NetworkPolicyPeer {
	if named == nil {
		named = &v1alpha1.RayOperator{}
	}
	podLabels := plain(named.PodLabels)
	if len(podLabels) == 0 {
		podLabels = map[string]string{"app.kubernetes.io/component": rayOperatorName}
	}
	return []networkingv1.NetworkPolicyPeer{podsIn(cmp.Or(named.Namespace, rayOperatorName), podLabels)}
}

func peersOf(pods v1alpha1.NamespacePods) []networkingv1.NetworkPolicyPeer {
	return []networkingv1.NetworkPolicyPeer{podsIn(pods.Namespace, plain(pods.PodLabels))}
}

// ipBlocks are peers with exactly these addresses, even if they are metadata addresses.
func ipBlocks(cidrs []string) (peers []networkingv1.NetworkPolicyPeer) {
	for _, cidr := range cidrs {
		peers = append(peers, networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: cidr}})
	}
	return peers
}

// safeIPBlocks are peers with these addresses, without the exceptions and without metadata addresses: rules are additive, so a
// rule must not allow an address that another rule excepts. A text that is no CIDR, or a metadata address, gives no peer.
func safeIPBlocks(except []v1alpha1.CIDR, cidrs ...v1alpha1.OpenCIDR) (peers []networkingv1.NetworkPolicyPeer) {
	for _, cidr := range cidrs {
		prefix, err := netip.ParsePrefix(string(cidr))
		if err != nil || netguard.Covers(metadataRanges, prefix) {
			continue
		}
		block := &networkingv1.IPBlock{CIDR: string(cidr)}
		var excepted []netip.Prefix
		for _, e := range except {
			block.Except = append(block.Except, string(e))
			if parsed, err := netip.ParsePrefix(string(e)); err == nil {
				excepted = append(excepted, parsed)
			}
		}
		for _, metadata := range metadataRanges {
			if netguard.Covers([]netip.Prefix{prefix}, metadata) && !netguard.Covers(excepted, metadata) {
				block.Except = append(block.Except, metadata.String())
			}
		}
		peers = append(peers, networkingv1.NetworkPolicyPeer{IPBlock: block})
	}
	return peers
}

// policyPorts have the API server's defaults filled in.
func policyPorts(wanted []v1alpha1.NetworkPort) (all []networkingv1.NetworkPolicyPort) {
	for _, w := range wanted {
		protocol, port := cmp.Or(corev1.Protocol(w.Protocol), corev1.ProtocolTCP), intstr.FromInt32(w.Port)
		one := networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: &port}
		if w.EndPort > 0 {
			one.EndPort = &w.EndPort
		}
		all = append(all, one)
	}
	return all
}

func tcpPorts(numbers ...int32) (all []networkingv1.NetworkPolicyPort) {
	for _, n := range numbers {
		all = append(all, policyPorts([]v1alpha1.NetworkPort{{Port: n}})...)
	}
	return all
}
