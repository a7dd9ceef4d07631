package k8s

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// apiServerName is the Service of the Kubernetes API in the namespace default, and its EndpointSlice, which the API
// server itself writes.
const apiServerName = "kubernetes"

// APIServer is a set of addresses of the Kubernetes API, with the TCP ports that it listens on there.
type APIServer struct {
	CIDRs []v1alpha1.OpenCIDR
	Ports []int32
}

// APIServerObjects are the kinds that [APIServers] reads. The cache holds one object of each.
func APIServerObjects() []client.Object {
	return []client.Object{&discoveryv1.EndpointSlice{}, &corev1.Service{}}
}

// cacheAPIServer lets the cache hold these objects alone: RBAC gives the service no others.
func cacheAPIServer(byObject map[client.Object]cache.ByObject) {
	for _, object := range APIServerObjects() {
		byObject[object] = cache.ByObject{
			Namespaces: map[string]cache.Config{metav1.NamespaceDefault: {}},
			Field:      fields.OneTermEqualSelector(metav1.ObjectNameField, apiServerName),
			Transform:  cache.TransformStripManagedFields(),
		}
	}
}

// APIServers reads from the cache where pods reach the Kubernetes API. The addresses of the EndpointSlice are for network
// plugins that see a packet after its Service was translated, the cluster IPs for those that see it before. An object
// that doesn't exist adds nothing.
func APIServers(ctx context.Context, cached client.Reader) (all []APIServer, err error) {
	key := client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: apiServerName}
	for _, object := range APIServerObjects() {
		switch err := cached.Get(ctx, key, object); {
		case client.IgnoreNotFound(err) != nil:
			return nil, fmt.Errorf("reading %T %q: %w", object, key, err)
		case err == nil:
			all = append(all, apiServerOf(object))
		}
	}
	return all, nil
}

// APIServerMoved reports whether an update of one of [APIServerObjects] changes an address or a port.
func APIServerMoved(before, after client.Object) bool {
	was, is := apiServerOf(before), apiServerOf(after)
	return !slices.Equal(was.CIDRs, is.CIDRs) || !slices.Equal(was.Ports, is.Ports)
}

// apiServerOf has a fixed order, so that the order of endpoints is no change.
func apiServerOf(object client.Object) (found APIServer) {
	var addresses []string
	switch o := object.(type) {
	case *discoveryv1.EndpointSlice:
		for i := range o.Endpoints {
			addresses = append(addresses, o.Endpoints[i].Addresses...)
		}
		for _, port := range o.Ports {
			if port.Port != nil && (port.Protocol == nil || *port.Protocol == corev1.ProtocolTCP) {
				found.Ports = append(found.Ports, *port.Port)
			}
		}
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
