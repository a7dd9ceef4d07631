package k8s

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// in is a pod of a cluster whose pods have addresses of 10.0.0.0/8 and fd12::/16.
func in(namespace, ip string, labels map[string]string) endpoint {
	return endpoint{
		ip: ip, namespace: namespace, labels: labels, namespaceLabels: map[string]string{corev1.LabelMetadataName: namespace},
	}
}

func at(ip string) endpoint { return endpoint{ip: ip} }

// policiesOf are the NetworkPolicies of two workspaces, flows-a and flows-b, as the API server gives them back.
func policiesOf(t *testing.T, cluster *Cluster, suffix string) []networkingv1.NetworkPolicy {
	t.Helper()
	k, all := newKube(t), []networkingv1.NetworkPolicy{}
	for _, name := range []string{"flows-a" + suffix, "flows-b" + suffix} {
		p := samplePlan(name)
		p.Cluster = cluster
		must(t, k.admin.Create(t.Context(), p.NamespaceObject()))
		for _, o := range p.NetworkObjects() {
			must(t, k.admin.Create(t.Context(), o))
			var stored networkingv1.NetworkPolicy
			must(t, k.admin.Get(t.Context(), client.ObjectKeyFromObject(o), &stored))
			stored.Namespace = name[:len("flows-a")]
			all = append(all, stored)
		}
	}
	return all
}

// passage is a flow, and whether it gets through by default, where the cluster's ranges are excepted, and without
// addresses of DNS.
type passage struct {
	flow
	byDefault, excepted, withoutDNS bool
}

func overTCP(from, to endpoint, port int32, by ...bool) passage {
	return passage{flow{from, to, corev1.ProtocolTCP, port}, by[0], by[1], by[2]}
}

func overUDP(from, to endpoint, port int32, by ...bool) passage {
	return passage{flow{from, to, corev1.ProtocolUDP, port}, by[0], by[1], by[2]}
}

func passages() map[string]passage {
	pod, mate, stranger := in("flows-a", "10.1.0.1", nil), in("flows-a", "10.1.0.2", nil), in("flows-b", "10.1.0.3", nil)
	pod6, stranger6 := in("flows-a", "fd12::1", nil), in("flows-b", "fd12::3", nil)
	dns := in("kube-system", "10.1.0.4", map[string]string{"k8s-app": "kube-dns"})
	system := in("kube-system", "10.1.0.5", map[string]string{"k8s-app": "metrics-server"})
	fakeDNS := in("team", "10.1.0.6", map[string]string{"k8s-app": "kube-dns"})
	like := in("flows-b", "10.1.0.10", map[string]string{"k8s-app": "kube-dns"})
	flyte, team := in("flyte-system", "10.1.0.7", nil), in("team", "10.1.0.8", nil)
	const yes, no = true, false
	return map[string]passage{
		"a pod to another of its namespace":        overTCP(pod, mate, 8080, yes, yes, yes),
		"a pod to itself":                          overUDP(pod, pod, 8080, yes, yes, yes),
		"a pod to another workspace":               overTCP(pod, stranger, 8080, no, no, no),
		"a pod to another workspace over IPv6":     overTCP(pod6, stranger6, 8080, no, no, no),
		"another workspace to a pod":               overTCP(stranger, pod, 8080, no, no, no),
		"a pod to Flyte":                           overTCP(pod, flyte, 81, yes, yes, yes),
		"Flyte to a pod":                           overTCP(flyte, pod, 8080, no, no, no),
		"another namespace to a pod":               overTCP(team, pod, 8080, no, no, no),
		"the world to a pod":                       overTCP(at("93.184.215.14"), pod, 443, no, no, no),
		"a node to a pod":                          overTCP(at("10.0.0.5"), pod, 10250, no, no, no),
		"DNS over UDP":                             overUDP(pod, dns, 53, yes, yes, yes),
		"DNS over TCP":                             overTCP(pod, dns, 53, yes, yes, yes),
		"the metrics of DNS":                       overTCP(pod, dns, 9153, yes, no, yes),
		"what calls itself DNS elsewhere":          overUDP(pod, fakeDNS, 53, yes, no, yes),
		"node-local DNS":                           overUDP(pod, at("169.254.20.10"), 53, yes, yes, no),
		"another port of node-local DNS":           overTCP(pod, at("169.254.20.10"), 8080, yes, no, no),
		"a pod of the system":                      overTCP(pod, system, 4443, yes, no, yes),
		"the API server":                           overTCP(pod, at("10.0.0.1"), 443, yes, no, yes),
		"the API server over IPv6":                 overTCP(pod6, at("fd12::1:1"), 443, yes, no, yes),
		"the world":                                overTCP(pod, at("93.184.215.14"), 443, yes, yes, yes),
		"the world over IPv6":                      overTCP(pod6, at("2606:2800:21f::1"), 443, yes, yes, yes),
		"metadata of AWS, GCP, Azure, OpenStack":   overTCP(pod, at("169.254.169.254"), 80, no, no, no),
		"metadata by DNS's port":                   overUDP(pod, at("169.254.169.254"), 53, no, no, no),
		"metadata of AWS over IPv6":                overTCP(pod6, at("fd00:ec2::254"), 80, no, no, no),
		"EKS Pod Identity":                         overTCP(pod, at("169.254.170.23"), 80, no, no, no),
		"EKS Pod Identity over IPv6":               overTCP(pod6, at("fd00:ec2::23"), 80, no, no, no),
		"ECS":                                      overTCP(pod, at("169.254.170.2"), 80, no, no, no),
		"Azure's wire server":                      overTCP(pod, at("168.63.129.16"), 80, no, no, no),
		"metadata of Alibaba":                      overTCP(pod, at("100.100.100.200"), 80, no, no, no),
		"metadata of GCP over IPv6":                overTCP(pod6, at("fd20:ce::254"), 80, no, no, no),
		"metadata of Oracle over IPv6":             overTCP(pod6, at("fd00:c1::a9fe:a9fe"), 80, no, no, no),
		"metadata of OpenStack over IPv6":          overTCP(pod6, at("fe80::a9fe:a9fe"), 80, no, no, no),
		"the neighbour of a metadata address":      overTCP(pod, at("169.254.169.253"), 123, yes, no, no),
		"a pod of another namespace to the world":  overTCP(team, at("93.184.215.14"), 443, yes, yes, yes),
		"a pod of another namespace to its own":    overTCP(team, fakeDNS, 53, yes, yes, yes),
		"a pod that has labels to one of its own":  overTCP(in("flows-a", "10.1.0.9", map[string]string{"a": "b"}), mate, 22, yes, yes, yes),
		"a labelled stranger to a pod":             overTCP(like, pod, 53, no, no, no),
		"a host that has the address of a pod's":   overTCP(at("10.1.0.2"), pod, 8080, no, no, no),
		"SCTP, which nobody has thought of, there": {flow{stranger, pod, corev1.ProtocolSCTP, 1}, no, no, no},
	}
}

func TestNetwork_LetsThroughWhatTheTableSays(t *testing.T) {
	dns, ranges := []string{"169.254.20.10/32"}, []string{"10.0.0.0/8", "fd12::/16", "169.254.0.0/16"}
	byDefault := policiesOf(t, &Cluster{FlyteNamespace: "flyte-system", DNSCIDRs: dns}, "")
	excepted := policiesOf(t, &Cluster{FlyteNamespace: "flyte-system", DNSCIDRs: dns, ExceptCIDRs: ranges}, "-excepted")
	withoutDNS := policiesOf(t, &Cluster{FlyteNamespace: "flyte-system", ExceptCIDRs: ranges[2:]}, "-without-dns")
	for name, p := range passages() {
		if got := p.allowed(byDefault); got != p.byDefault {
			t.Errorf("%s: by default %t", name, got)
		}
		if got := p.allowed(excepted); got != p.excepted {
			t.Errorf("%s: with excepted ranges %t", name, got)
		}
		if got := p.allowed(withoutDNS); got != p.withoutDNS {
			t.Errorf("%s: without addresses of DNS %t", name, got)
		}
	}
}

// The evaluator itself, where the policies of workspaces do not lead.
func TestFlow_FollowsTheDocumentation(t *testing.T) {
	from, to := in("a", "10.0.0.1", map[string]string{"app": "x"}), in("b", "10.0.0.2", map[string]string{"app": "y"})
	f := flow{from, to, corev1.ProtocolTCP, 80}
	egress := networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "a"}, Spec: networkingv1.NetworkPolicySpec{
		PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress},
	}}
	other := egress
	other.Spec.PodSelector.MatchLabels = map[string]string{"app": "z"}
	open := egress
	open.Spec.Egress = []networkingv1.NetworkPolicyEgressRule{{}}
	ingress := egress
	ingress.Namespace, ingress.Spec.PolicyTypes = "b", []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
	for name, c := range map[string]struct {
		policies []networkingv1.NetworkPolicy
		want     bool
	}{
		"no policy":                 {nil, true},
		"a policy of other pods":    {[]networkingv1.NetworkPolicy{other}, true},
		"a policy without rules":    {[]networkingv1.NetworkPolicy{egress}, false},
		"rules add up":              {[]networkingv1.NetworkPolicy{egress, open}, true},
		"the other end refuses":     {[]networkingv1.NetworkPolicy{open, ingress}, false},
		"an end that nothing holds": {[]networkingv1.NetworkPolicy{ingress}, false},
	} {
		if got := f.allowed(c.policies); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
