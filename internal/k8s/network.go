package k8s

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// metadataCIDRs are where clouds hand out instance credentials: AWS, GCP, Azure and OpenStack share the first, which GKE
// translates to the second; then AWS ECS and EKS Pod Identity, Azure's wire server, Alibaba, Scaleway; and over IPv6 AWS,
// EKS Pod Identity, GCP, Oracle, Scaleway, OpenStack.
var metadataCIDRs = []string{
	"169.254.169.254/32", "169.254.169.252/32", "169.254.170.2/32", "169.254.170.23/32", "168.63.129.16/32", "100.100.100.200/32",
	"169.254.42.42/32",
	"fd00:ec2::254/128", "fd00:ec2::23/128", "fd20:ce::254/128", "fd00:c1::a9fe:a9fe/128", "fd00:42::42/128", "fe80::a9fe:a9fe/128",
}

const dnsPort = 53

// NetworkObjects are the NetworkPolicies: nothing comes in but from the same namespace; out go DNS, the same
// namespace, Flyte, and the world without metadata and excepted addresses.
func (p *Plan) NetworkObjects() []client.Object {
	same := []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{}}}
	return []client.Object{
		p.policy("default-deny", networkingv1.NetworkPolicySpec{
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
		}),
		p.policy("allow-same-namespace", networkingv1.NetworkPolicySpec{
			Ingress:     []networkingv1.NetworkPolicyIngressRule{{From: same}},
			Egress:      []networkingv1.NetworkPolicyEgressRule{{To: same}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
		}),
		p.policy("allow-dns", egress(p.dns())),
		p.policy("allow-flyte", egress(networkingv1.NetworkPolicyEgressRule{
			To: []networkingv1.NetworkPolicyPeer{{NamespaceSelector: namespaceNamed(p.Cluster.FlyteNamespace)}},
		})),
		p.policy("allow-egress", egress(networkingv1.NetworkPolicyEgressRule{To: p.world()})),
	}
}

func (p *Plan) policy(name string, spec networkingv1.NetworkPolicySpec) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{ObjectMeta: p.object(name), Spec: spec}
}

func egress(rule networkingv1.NetworkPolicyEgressRule) networkingv1.NetworkPolicySpec {
	return networkingv1.NetworkPolicySpec{
		Egress:      []networkingv1.NetworkPolicyEgressRule{rule},
		PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress},
	}
}

// dns allows the cluster's DNS by selector, and node-local DNS by address.
func (p *Plan) dns() networkingv1.NetworkPolicyEgressRule {
	rule := networkingv1.NetworkPolicyEgressRule{To: []networkingv1.NetworkPolicyPeer{{
		NamespaceSelector: namespaceNamed(metav1.NamespaceSystem),
		PodSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"k8s-app": "kube-dns"}},
	}}}
	for _, cidr := range p.Cluster.DNSCIDRs {
		block := &networkingv1.IPBlock{CIDR: cidr}
		rule.To = append(rule.To, networkingv1.NetworkPolicyPeer{IPBlock: block})
	}
	for _, protocol := range []corev1.Protocol{corev1.ProtocolUDP, corev1.ProtocolTCP} {
		port := intstr.FromInt32(dnsPort)
		rule.Ports = append(rule.Ports, networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: &port})
	}
	return rule
}

// world is everywhere, IPv4 and IPv6, without the metadata and excepted addresses.
func (p *Plan) world() []networkingv1.NetworkPolicyPeer {
	v4 := &networkingv1.IPBlock{CIDR: "0.0.0.0/0"}
	v6 := &networkingv1.IPBlock{CIDR: "::/0"}
	for _, list := range [][]string{metadataCIDRs, p.Cluster.ExceptCIDRs} {
		for _, cidr := range list {
			block := v6
			if prefix, err := netip.ParsePrefix(cidr); err == nil && prefix.Addr().Is4() {
				block = v4
			}
			block.Except = append(block.Except, cidr)
		}
	}
	return []networkingv1.NetworkPolicyPeer{{IPBlock: v4}, {IPBlock: v6}}
}

func namespaceNamed(name string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: name}}
}
