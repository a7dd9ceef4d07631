package desired

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/netguard"
)

// isolationName is the one NetworkPolicy in each namespace of a workspace.
const isolationName = "workspace-isolation"

const dnsPort = 53

// dnsPodPorts are the ports that DNS pods listen on: 53 nearly everywhere, 5353 on OpenShift, 8053 on Gardener. Most
// network plugins see a packet after the Service's port 53 has been translated to one of these.
var dnsPodPorts = []int32{dnsPort, 5353, 8053}

// Network is the NetworkPolicy of the namespace.
func (p *Plan) Network() Part {
	return Part{Objects: []client.Object{p.networkPolicy()}, Kinds: []client.Object{&networkingv1.NetworkPolicy{}}}
}

// networkPolicy isolates all pods of the namespace, in both directions. Pods accept connections from their own namespace.
// They reach their own namespace, DNS, Flyte's ports, and every address but the clouds' metadata and ExceptCIDRs. The
// tier adds to both lists; without a tier, nothing is added.
func (p *Plan) networkPolicy() *networkingv1.NetworkPolicy {
	own := []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{}}}
	spec := networkingv1.NetworkPolicySpec{
		Ingress:     []networkingv1.NetworkPolicyIngressRule{{From: own}},
		Egress:      egressRule(own, nil),
		PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
	}
	spec.Egress = append(spec.Egress, p.egressRules()...)
	if p.Tier != nil {
		spec.Ingress = append(spec.Ingress, tierIngressRules(&p.Tier.Spec)...)
		spec.Egress = append(spec.Egress, p.tierEgressRules()...)
	}
	return &networkingv1.NetworkPolicy{ObjectMeta: p.metadata(isolationName), Spec: spec}
}

// egressRules allow the egress of every workspace beyond its own namespace.
func (p *Plan) egressRules() (rules []networkingv1.NetworkPolicyEgressRule) {
	rules = append(rules, egressRule(dnsPods(), dnsPorts(dnsPodPorts...))...)
	rules = append(rules, egressRule(ipBlocks(p.Cluster.DNSCIDRs), dnsPorts(dnsPort))...)
	if len(p.Cluster.FlytePorts) > 0 { // a rule without ports would allow all of them
		flyte := []networkingv1.NetworkPolicyPeer{podsIn(p.Cluster.FlyteNamespace, nil)}
		rules = append(rules, egressRule(flyte, tcpPorts(p.Cluster.FlytePorts...))...)
	}
	return append(rules, egressRule(allAddressesExcept(p.Cluster.ExceptCIDRs), nil)...)
}

// egressRule allows these ports of these peers, or all ports if ports is empty. There is no rule without peers, since that would
// allow every address.
func egressRule(to []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) []networkingv1.NetworkPolicyEgressRule {
	if len(to) == 0 {
		return nil
	}
	return []networkingv1.NetworkPolicyEgressRule{{To: to, Ports: ports}}
}

// dnsPods select the cluster's DNS: CoreDNS and kube-dns by their common label, and OpenShift's own.
func dnsPods() []networkingv1.NetworkPolicyPeer {
	return []networkingv1.NetworkPolicyPeer{
		podsIn(metav1.NamespaceSystem, map[string]string{"k8s-app": "kube-dns"}),
		podsIn("openshift-dns", map[string]string{"dns.operator.openshift.io/daemonset-dns": "default"}),
	}
}

// dnsPorts are these ports over UDP and TCP.
func dnsPorts(numbers ...int32) (all []networkingv1.NetworkPolicyPort) {
	for _, number := range numbers {
		for _, protocol := range []corev1.Protocol{corev1.ProtocolUDP, corev1.ProtocolTCP} {
			all = append(all, policyPorts([]v1alpha1.NetworkPort{{Protocol: v1alpha1.NetworkProtocol(protocol), Port: number}})...)
		}
	}
	return all
}

// allAddressesExcept is every address, IPv4 and IPv6, except these CIDRs and the clouds' metadata addresses.
func allAddressesExcept(except []string) []networkingv1.NetworkPolicyPeer {
	v4 := &networkingv1.IPBlock{CIDR: "0.0.0.0/0"}
	v6 := &networkingv1.IPBlock{CIDR: "::/0"}
	for _, prefix := range netguard.WithMetadata(except) {
		block := v6
		if prefix.Addr().Is4() {
			block = v4
		}
		block.Except = append(block.Except, prefix.String())
	}
	return []networkingv1.NetworkPolicyPeer{{IPBlock: v4}, {IPBlock: v6}}
}

// podsIn selects the pods of a namespace with these labels, or all its pods.
func podsIn(namespace string, podLabels map[string]string) networkingv1.NetworkPolicyPeer {
	peer := networkingv1.NetworkPolicyPeer{
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}},
	}
	if len(podLabels) > 0 {
		peer.PodSelector = &metav1.LabelSelector{MatchLabels: podLabels}
	}
	return peer
}
