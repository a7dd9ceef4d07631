package desired_test

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// This file evaluates NetworkPolicies by the API's documentation (k8s.io/api/networking/v1), independently of the code under
// test. The documentation leaves it to the network plugin whether an ipBlock also matches pods. Here it does, since that
// allows more.

// endpoint is one end of a connection: a pod, or an address outside the cluster if it has no namespace.
type endpoint struct {
	ip              string
	namespace       string
	labels          map[string]string
	namespaceLabels map[string]string
}

// flow is an attempted connection.
type flow struct {
	from, to endpoint
	protocol corev1.Protocol
	port     int32
}

// allowed reports whether the policies of the cluster allow a flow: the egress of its source and the ingress of its target.
func (f flow) allowed(policies []networkingv1.NetworkPolicy) bool {
	egress := f.from.isAllowed(policies, networkingv1.PolicyTypeEgress, func(p networkingv1.NetworkPolicy) bool {
		return slices.ContainsFunc(p.Spec.Egress, func(rule networkingv1.NetworkPolicyEgressRule) bool {
			return f.to.matchesAny(rule.To, p.Namespace) && f.on(rule.Ports)
		})
	})
	ingress := f.to.isAllowed(policies, networkingv1.PolicyTypeIngress, func(p networkingv1.NetworkPolicy) bool {
		return slices.ContainsFunc(p.Spec.Ingress, func(rule networkingv1.NetworkPolicyIngressRule) bool {
			return f.from.matchesAny(rule.From, p.Namespace) && f.on(rule.Ports)
		})
	})
	return egress && ingress
}

// isAllowed reports whether the policies let the endpoint connect in this direction: none applies to it, or one that does matches.
func (e endpoint) isAllowed(
	policies []networkingv1.NetworkPolicy, direction networkingv1.PolicyType, matches func(networkingv1.NetworkPolicy) bool,
) bool {
	isolated := false
	for _, p := range policies {
		if !e.isSelectedBy(p, direction) {
			continue
		}
		if matches(p) {
			return true
		}
		isolated = true
	}
	return !isolated
}

// isSelectedBy reports whether a policy applies to this endpoint in this direction.
func (e endpoint) isSelectedBy(p networkingv1.NetworkPolicy, direction networkingv1.PolicyType) bool {
	return e.namespace == p.Namespace && slices.Contains(p.Spec.PolicyTypes, direction) && selects(&p.Spec.PodSelector, e.labels)
}

// matchesAny reports whether the endpoint is one of the peers. An empty list matches all.
func (e endpoint) matchesAny(peers []networkingv1.NetworkPolicyPeer, home string) bool {
	return len(peers) == 0 || slices.ContainsFunc(peers, func(peer networkingv1.NetworkPolicyPeer) bool { return e.matches(peer, home) })
}

func (e endpoint) matches(peer networkingv1.NetworkPolicyPeer, home string) bool {
	if peer.IPBlock != nil {
		return within(e.ip, peer.IPBlock.CIDR) && !slices.ContainsFunc(peer.IPBlock.Except, func(cidr string) bool { return within(e.ip, cidr) })
	}
	if e.namespace == "" {
		return false
	}
	inNamespace := e.namespace == home
	if peer.NamespaceSelector != nil {
		inNamespace = selects(peer.NamespaceSelector, e.namespaceLabels)
	}
	return inNamespace && (peer.PodSelector == nil || selects(peer.PodSelector, e.labels))
}

// on reports whether the flow is to one of the ports. An empty list matches all.
func (f flow) on(ports []networkingv1.NetworkPolicyPort) bool {
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		if p.Protocol == nil || *p.Protocol != f.protocol {
			return false
		}
		if p.EndPort != nil {
			return p.Port.IntVal <= f.port && f.port <= *p.EndPort
		}
		return p.Port == nil || p.Port.IntVal == f.port
	})
}

func within(ip, cidr string) bool {
	return netip.MustParsePrefix(cidr).Contains(netip.MustParseAddr(ip))
}

func selects(selector *metav1.LabelSelector, set map[string]string) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		panic(err) // the API server would reject it
	}
	return s.Matches(labels.Set(set))
}
