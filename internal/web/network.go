package web

import (
	"fmt"
	"strings"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// Network is what the configuration says of the network of every workspace.
type Network struct {
	FlyteNamespace string
	FlytePorts     []int32
	// ExceptCIDRs are closed to workspaces unless their tier opens them.
	ExceptCIDRs []string
}

// networkPicture says what may reach what, from the NetworkPolicy that the service writes.
type networkPicture struct {
	from, to, closed []connection
	// tierHidden says that the user may not see the tier, which may open more.
	tierHidden bool
}

// connection is one line of the picture. byTier says that the tier opens it.
type connection struct {
	peer, detail string
	byTier       bool
}

// pictureOf describes the network of a workspace. tier is nil if it does not exist or is not to be seen.
func (n Network) pictureOf(tier *v1alpha1.WorkspaceTierSpec) networkPicture {
	p := networkPicture{
		from: []connection{{peer: "Pods of the same namespace", detail: "all ports"}},
		to: []connection{
			{peer: "Pods of the same namespace", detail: "all ports"},
			{peer: "DNS", detail: "port 53"},
			{peer: "Flyte", detail: fmt.Sprintf("namespace %s, ports %s", n.FlyteNamespace, numbers(n.FlytePorts))},
			{peer: "The Internet", detail: "all ports"},
		},
		closed: []connection{{peer: "Other workspaces and namespaces"}, {peer: "Metadata of the cloud", detail: "169.254.169.254 and others"}},
	}
	if len(n.FlytePorts) == 0 {
		p.to = append(p.to[:2], p.to[3])
	}
	if len(n.ExceptCIDRs) > 0 {
		p.closed = append(p.closed, connection{peer: "Private networks", detail: strings.Join(n.ExceptCIDRs, ", ")})
	}
	if tier != nil {
		p.from = append(p.from, tierSources(&tier.Network, tier.Workload.Role)...)
		p.to = append(p.to, tierTargets(&tier.Network, tier.Workload.Role)...)
	}
	return p
}

func tierSources(n *v1alpha1.TierNetwork, role v1alpha1.WorkloadRole) (from []connection) {
	for _, s := range n.Scrapers {
		from = append(from, connection{peer: "Scrapers in " + s.Namespace, detail: ports(s.Ports), byTier: true})
	}
	if n.RayOperator != nil && role == v1alpha1.WorkloadRay {
		namespace := n.RayOperator.Namespace
		if namespace == "" {
			namespace = "kuberay-operator"
		}
		from = append(from, connection{peer: "KubeRay's operator in " + namespace, detail: "ports 8265, 8000", byTier: true})
	}
	return from
}

func tierTargets(n *v1alpha1.TierNetwork, role v1alpha1.WorkloadRole) (to []connection) {
	opened := func(peer, detail string) { to = append(to, connection{peer: peer, detail: detail, byTier: true}) }
	if n.MetadataServer {
		opened("Metadata server of the cloud", "169.254.169.254 and others")
	}
	if n.EKSPodIdentity {
		opened("Agent of EKS Pod Identity", "169.254.170.23")
	}
	if role != "" {
		opened("Kubernetes API", "for "+string(role))
	}
	for _, cidr := range n.KubeAPI {
		opened("Kubernetes API", string(cidr)+", ports 443, 6443")
	}
	for _, cidr := range n.PrivateEndpoints {
		opened("Private endpoint", string(cidr)+", port 443")
	}
	for _, rule := range n.Egress {
		opened(string(rule.CIDR), ports(rule.Ports))
	}
	for _, pods := range n.Namespaces {
		opened("Pods in "+pods.Namespace, ports(pods.Ports))
	}
	return to
}

func numbers(list []int32) string {
	texts := make([]string, len(list))
	for i, number := range list {
		texts[i] = fmt.Sprint(number)
	}
	return strings.Join(texts, ", ")
}

func ports(list []v1alpha1.NetworkPort) string {
	if len(list) == 0 {
		return "all ports"
	}
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = fmt.Sprint(p.Port)
		if p.EndPort > p.Port {
			texts[i] += fmt.Sprintf("–%d", p.EndPort)
		}
		if p.Protocol != "" && p.Protocol != "TCP" {
			texts[i] += " " + string(p.Protocol)
		}
	}
	if len(texts) == 1 {
		return "port " + texts[0]
	}
	return "ports " + strings.Join(texts, ", ")
}
