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

// What the presets of a tier open. GKE's metadata server is reached behind a translation of the usual address, at port
// 988 (cloud.google.com/kubernetes-engine/docs/how-to/network-policy).
var (
	metadataPorts      = tcp(80, 988)
	podIdentityPorts   = tcp(80)
	kubeAPIPorts       = tcp(443, 6443)
	privateServicePort = tcp(443)
	// rayPorts are where KubeRay's operator dials Ray pods: the head's dashboard, which takes jobs, and Ray Serve's proxy.
	rayPorts = tcp(8265, 8000)
)

// metadataRanges are the metadata addresses in every form in which pods could dial them.
var metadataRanges = netguard.WithMetadata(nil)

// What KubeRay's Helm chart and manifests call the operator's pods, and the namespace unless the tier says otherwise.
const (
	rayOperatorNamespace = "kuberay-operator"
	rayOperatorComponent = "kuberay-operator"
)

// tierEgressRules open what the tier adds to what every workspace reaches.
func (p *Plan) tierEgressRules() (rules []networkingv1.NetworkPolicyEgressRule) {
	network := p.Tier.Spec.Network
	if network.MetadataServer {
		rules = append(rules, open(exactly(netguard.MetadataServer), metadataPorts)...)
	}
	if network.EKSPodIdentity {
		rules = append(rules, open(exactly(netguard.EKSPodIdentity), podIdentityPorts)...)
	}
	if p.Tier.Spec.Workload.Role != "" {
		for _, api := range p.APIServers {
			if len(api.Ports) > 0 { // a rule without ports would open all of them
				rules = append(rules, open(blocks(api.CIDRs...), tcp(api.Ports...))...)
			}
		}
	}
	rules = append(rules, open(blocks(network.KubeAPI...), kubeAPIPorts)...)
	rules = append(rules, open(blocks(network.PrivateEndpoints...), privateServicePort)...)
	for _, rule := range network.Egress {
		rules = append(rules, open(blocksWithout(rule.Except, rule.CIDR), ports(rule.Ports))...)
	}
	for _, pods := range network.Namespaces {
		rules = append(rules, open(peersOf(pods), ports(pods.Ports))...)
	}
	return rules
}

// tierIngressRules allow ingress from pods of other namespaces.
func tierIngressRules(tier *v1alpha1.WorkspaceTierSpec) (rules []networkingv1.NetworkPolicyIngressRule) {
	for _, pods := range tier.Network.Scrapers {
		rules = append(rules, networkingv1.NetworkPolicyIngressRule{From: peersOf(pods), Ports: ports(pods.Ports)})
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
		podLabels = map[string]string{"app.kubernetes.io/component": rayOperatorComponent}
	}
	return []networkingv1.NetworkPolicyPeer{podsIn(cmp.Or(named.Namespace, rayOperatorNamespace), podLabels)}
}

func peersOf(pods v1alpha1.NamespacePods) []networkingv1.NetworkPolicyPeer {
	return []networkingv1.NetworkPolicyPeer{podsIn(pods.Namespace, plain(pods.PodLabels))}
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

// blocksWithout are peers with these addresses but for exceptions and metadata addresses: rules add up, so that what
// one excepts another one would open. What is no CIDR, or is a metadata address itself, opens nothing.
func blocksWithout(except []v1alpha1.CIDR, cidrs ...v1alpha1.OpenCIDR) (peers []networkingv1.NetworkPolicyPeer) {
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
