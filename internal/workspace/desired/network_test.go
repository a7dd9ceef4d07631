package desired_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired"
	"platform.company.com/workspace-flyte-integration/internal/workspace/desired/desiredtest"
)

// in is a pod of a cluster whose pods have addresses of 10.0.0.0/8 and fd12::/16.
func podIn(namespace, ip string, labels map[string]string) endpoint {
	return endpoint{
		ip: ip, namespace: namespace, labels: labels, namespaceLabels: map[string]string{corev1.LabelMetadataName: namespace},
	}
}

func address(ip string) endpoint { return endpoint{ip: ip} }

func withLabel(key, value string) map[string]string { return map[string]string{key: value} }

// setting is a configuration of the service and the tier of the workspaces. Settings combine as bits.
type setting uint

const (
	byDefault    setting = 1 << iota // the defaults of all variables, on a tier that opens nothing
	none                             // EGRESS_EXCEPT_CIDRS=none
	noDNSAddress                     // DNS_CIDRS=none
	cloudDNS                         // DNS_CIDRS with the address of GKE's Cloud DNS
	opening                          // a tier with every kind of network rule
	spark                            // a tier with the workload role Spark
	ray                              // a tier with the workload role Ray
	rayElsewhere                     // the same, with an operator in another namespace
	noTier                           // no tier
	allSettings  = noTier<<1 - 1
)

// standardExceptions are the default of EGRESS_EXCEPT_CIDRS.
var standardExceptions = []string{
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10",
}

// planUnder is the plan of a workspace under one setting.
func planUnder(s setting) *desired.Plan {
	p := desiredtest.Plan("flows")
	p.Cluster = &desired.Cluster{
		FlyteNamespace: "flyte-system", FlytePorts: []int32{80, 81, 443, 8088, 8089, 9000},
		DNSCIDRs: []string{"169.254.20.10/32"}, ExceptCIDRs: standardExceptions,
	}
	p.APIServers = []desired.APIServer{
		{CIDRs: []v1alpha1.OpenCIDR{"10.9.0.1/32", "fd12::9:1/128", "203.0.113.9/32"}, Ports: []int32{6443}},
		{CIDRs: []v1alpha1.OpenCIDR{"10.96.0.1/32"}, Ports: []int32{443}},
	}
	switch s {
	case never, byDefault, allSettings:
	case none:
		p.Cluster.ExceptCIDRs = nil
	case noDNSAddress:
		p.Cluster.DNSCIDRs = nil
	case cloudDNS:
		p.Cluster.DNSCIDRs = append(p.Cluster.DNSCIDRs, "169.254.169.254/32")
	case opening:
		p.Tier.Spec.Network = tierNetworkWithAllRules()
	case spark:
		p.Tier.Spec.Workload.Role = v1alpha1.WorkloadSpark
	case ray:
		p.Tier.Spec.Workload.Role = v1alpha1.WorkloadRay
	case rayElsewhere:
		p.Tier.Spec.Workload.Role = v1alpha1.WorkloadRay
		p.Tier.Spec.Network.RayOperator = &v1alpha1.RayOperator{
			Namespace: "ray-system", PodLabels: v1alpha1.PodLabels{"app": "ray"},
		}
	case noTier:
		p.Tier = nil
	}
	return p
}

func tierNetworkWithAllRules() v1alpha1.TierNetwork {
	return v1alpha1.TierNetwork{
		MetadataServer: true, EKSPodIdentity: true,
		KubeAPI: []v1alpha1.OpenCIDR{"10.0.0.0/24"}, PrivateEndpoints: []v1alpha1.OpenCIDR{"10.20.0.0/24"},
		Egress: []v1alpha1.EgressRule{{
			CIDR: "10.30.0.0/16", Except: []v1alpha1.CIDR{"10.30.7.0/24"}, Ports: []v1alpha1.NetworkPort{{Port: 5432}},
		}},
		Namespaces: []v1alpha1.NamespacePods{{
			Namespace: "databases", PodLabels: v1alpha1.PodLabels{"app": "postgres"}, Ports: []v1alpha1.NetworkPort{{Port: 5432}},
		}, {Namespace: "blobs", Ports: []v1alpha1.NetworkPort{{Port: 9000}}}},
		Scrapers: []v1alpha1.NamespacePods{{
			Namespace: "monitoring", PodLabels: v1alpha1.PodLabels{"app": "prometheus"}, Ports: []v1alpha1.NetworkPort{{Port: 9090}},
		}},
	}
}

func policyOf(p *desired.Plan) *networkingv1.NetworkPolicy {
	return p.Network().Objects[0].(*networkingv1.NetworkPolicy)
}

// policiesUnder are the NetworkPolicies of two workspaces, flows-a and flows-b.
func policiesUnder(s setting) (all []networkingv1.NetworkPolicy) {
	for _, namespace := range []string{"flows-a", "flows-b"} {
		policy := policyOf(planUnder(s))
		policy.Namespace = namespace
		all = append(all, *policy)
	}
	return all
}

func TestNetwork_AllowsFlowsOfTheTable(t *testing.T) {
	for s := byDefault; s < allSettings; s <<= 1 {
		policies := policiesUnder(s)
		for _, table := range []func() map[string]flowCase{
			generalCases, dnsCases, clusterCases, ingressCases, metadataCases,
		} {
			for name, p := range table() {
				if got := p.allowed(policies); got != (p.allowedUnder&s != 0) {
					t.Errorf("%s, under setting %b: %t", name, s, got)
				}
			}
		}
	}
}

// A rule without peers or ports allows all of them. An empty list must therefore omit the whole rule.
func TestNetwork_EmptyListsAddNoRule(t *testing.T) {
	p := desiredtest.Plan("flyte-ws-001")
	p.Cluster = &desired.Cluster{FlyteNamespace: "flyte-system"}
	p.Tier.Spec.Workload.Role = v1alpha1.WorkloadSpark
	p.APIServers = []desired.APIServer{{Ports: []int32{443}}, {CIDRs: []v1alpha1.OpenCIDR{"10.9.0.1/32"}}}
	for _, rule := range policyOf(p).Spec.Egress {
		isWorld := len(rule.To) == 2 && rule.To[0].IPBlock != nil
		isOwn := len(rule.To) == 1 && rule.To[0].PodSelector != nil && rule.To[0].NamespaceSelector == nil
		if len(rule.To) == 0 || len(rule.Ports) == 0 && !isWorld && !isOwn {
			t.Errorf("%v allows all peers or all ports", rule)
		}
	}
}

// The policies of workspaces do not reach these cases of the evaluator.
func TestFlow_MatchesTheAPIDocumentation(t *testing.T) {
	from, to := podIn("a", "10.0.0.1", map[string]string{"app": "x"}), podIn("b", "10.0.0.2", map[string]string{"app": "y"})
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
		"no policy":                  {nil, true},
		"other pods selected":        {[]networkingv1.NetworkPolicy{other}, true},
		"no rules":                   {[]networkingv1.NetworkPolicy{egress}, false},
		"rules add up":               {[]networkingv1.NetworkPolicy{egress, open}, true},
		"the target refuses":         {[]networkingv1.NetworkPolicy{open, ingress}, false},
		"the source is not isolated": {[]networkingv1.NetworkPolicy{ingress}, false},
	} {
		if got := f.allowed(c.policies); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
