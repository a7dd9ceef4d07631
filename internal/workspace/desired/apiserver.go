package desired

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// APIServer is a set of addresses of the Kubernetes API, with the TCP ports that it listens on there.
type APIServer struct {
	CIDRs []v1alpha1.OpenCIDR
	Ports []int32
}

// APIServerOf returns the addresses of the Kubernetes API in its Service or its EndpointSlice, sorted. Network plugins that see a packet
// after the translation of its Service need those of the EndpointSlice; plugins that see it before need the cluster IPs.
func APIServerOf(object client.Object) (found APIServer) {
	var addresses []string
	switch o := object.(type) {
	case *discoveryv1.EndpointSlice:
		addresses, found.Ports = endpointsOf(o)
	case *corev1.Service:
		addresses = o.Spec.ClusterIPs
		for _, port := range o.Spec.Ports {
			found.Ports = append(found.Ports, port.Port)
		}
	}
	for _, address := range addresses {
		if ip, err := netip.ParseAddr(address); err == nil { // a headless Service has the cluster IP "None"
			found.CIDRs = append(found.CIDRs, v1alpha1.OpenCIDR(netip.PrefixFrom(ip, ip.BitLen()).String()))
		}
	}
	slices.Sort(found.CIDRs)
	slices.Sort(found.Ports)
	found.CIDRs, found.Ports = slices.Compact(found.CIDRs), slices.Compact(found.Ports)
	return found
}

// endpointsOf are the addresses and the TCP ports of an EndpointSlice.
func endpointsOf(slice *discoveryv1.EndpointSlice) (addresses []string, ports []int32) {
	for i := range slice.Endpoints {
		addresses = append(addresses, slice.Endpoints[i].Addresses...)
	}
	for _, port := range slice.Ports {
		if port.Port != nil && (port.Protocol == nil || *port.Protocol == corev1.ProtocolTCP) {
			ports = append(ports, *port.Port)
		}
	}
	return addresses, ports
}
