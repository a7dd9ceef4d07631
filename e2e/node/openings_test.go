package node

import (
	"net"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
	realnode "platform.company.com/workspace-flyte-integration/devcluster/node"
	"platform.company.com/workspace-flyte-integration/e2e/harness"
)

// rayPort is where KubeRay's operator dials the head of a cluster.
const rayPort = "8265"

// openingTier is a tier that opens something in every way that a tier has.
func openingTier(t *testing.T, name string) {
	t.Helper()
	var standard v1alpha1.WorkspaceTier
	harness.Must(t, env.admin.Get(t.Context(), harness.Key(v1alpha1.DefaultTier), &standard))
	tier := &v1alpha1.WorkspaceTier{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: standard.Spec}
	port := func(number int32) []v1alpha1.NetworkPort { return []v1alpha1.NetworkPort{{Port: number}} }
	bystander := v1alpha1.NamespacePods{Namespace: bystanders, PodLabels: v1alpha1.PodLabels{"app": "pod"}, Ports: port(5432)}
	tier.Spec.Network = v1alpha1.TierNetwork{
		Egress:           []v1alpha1.EgressRule{{CIDR: "10.99.0.0/16", Ports: port(5432)}},
		PrivateEndpoints: []v1alpha1.OpenCIDR{"172.20.0.0/24"},
		Namespaces:       []v1alpha1.NamespacePods{bystander},
		MetadataServer:   true,
		EKSPodIdentity:   true,
		KubeAPI:          []v1alpha1.OpenCIDR{"192.168.77.10/32"},
		Scrapers:         []v1alpha1.NamespacePods{bystander},
		RayOperator:      &v1alpha1.RayOperator{Namespace: harness.FlyteNamespace, PodLabels: v1alpha1.PodLabels{"app": "blob-store"}},
	}
	tier.Spec.Workload.Role = v1alpha1.WorkloadRay
	create(t, tier)
}

// openings are the flows that the tier opens.
func openings(n *neighbours) (opened []flow) {
	open := func(row string, targets ...string) {
		for _, to := range targets {
			opened = append(opened, flow{row, n.from, "tcp", to})
		}
	}
	open(rowPrivate, "10.99.0.10:5432", "172.20.0.10:443", "192.168.77.10:443", // egress, privateEndpoints, kubeAPI
		address(n.bystander, ipv4, "5432"), address(n.bystander, ipv6, "5432"), // namespaces
		"10.0.0.1:443", net.JoinHostPort(realnode.APIServer.String(), "6443")) // workload.role
	open(rowMetadata, "169.254.169.254:80", "169.254.169.254:988", "169.254.169.252:80", "169.254.169.252:988",
		"[fd00:ec2::254]:80", "[fd00:ec2::254]:988", // metadataServer
		"169.254.170.23:80") // eksPodIdentity
	return append(opened,
		flow{rowInto, n.bystander, "tcp", address(n.from, ipv4, "5432")}, flow{rowInto, n.bystander, "tcp", address(n.from, ipv6, "5432")},
		flow{rowInto, n.blobStore, "tcp", address(n.from, ipv4, rayPort)}, flow{rowInto, n.blobStore, "tcp", address(n.from, ipv6, rayPort)})
}

// openingsOfATier proves that a tier opens what it names, and nothing else.
func openingsOfATier(t *testing.T) {
	t.Parallel()
	openingTier(t, "opening")
	n := meet(t, "opened", "opening", "opened-other")
	flows, opened := n.flows(), openings(n)
	for _, f := range opened {
		if !slices.Contains(flows, f) {
			t.Errorf("%s is not in the table", f)
		}
	}
	checkFlows(t, flows, func(f flow) bool { return byDefault(f) || slices.Contains(opened, f) })
}
