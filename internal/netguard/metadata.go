// Package netguard knows the addresses that nothing may reach by accident: those where clouds hand out credentials, and this
// machine's own. It checks outgoing connections against them, and gives them to the builders of network policies.
package netguard

import (
	"net/netip"
	"slices"
)

// MetadataServer is the metadata server of a cloud: AWS, GCP, Azure and OpenStack share the first address, which GKE translates
// to the second; then those of AWS and GCP over IPv6.
var MetadataServer = []string{"169.254.169.254/32", "169.254.169.252/32", "fd00:ec2::254/128", "fd20:ce::254/128"}

// EKSPodIdentity is the agent of EKS Pod Identity.
var EKSPodIdentity = []string{"169.254.170.23/32", "fd00:ec2::23/128"}

// Metadata is every address where a cloud hands out instance credentials: [MetadataServer], AWS ECS, [EKSPodIdentity], Azure's
// wire server, Alibaba, Scaleway; then over IPv6, with Oracle, Scaleway and OpenStack.
var Metadata = []string{
	"169.254.169.254/32", "169.254.169.252/32", "169.254.170.2/32", "169.254.170.23/32", "168.63.129.16/32", "100.100.100.200/32",
	"169.254.42.42/32",
	"fd00:ec2::254/128", "fd00:ec2::23/128", "fd20:ce::254/128", "fd00:c1::a9fe:a9fe/128", "fd00:42::42/128", "fe80::a9fe:a9fe/128",
}

// nat64 is the prefix under which a cluster with IPv6 alone reaches IPv4 addresses through a gateway (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// WithMetadata returns these CIDRs and [Metadata], each IPv4 range also in its NAT64 form. It leaves out ranges within an
// earlier one, and ignores what is not a CIDR.
func WithMetadata(cidrs []string) (all []netip.Prefix) {
	for _, cidr := range slices.Concat(cidrs, Metadata) {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			continue
		}
		for _, form := range withNAT64(prefix) {
			if !Covers(all, form) {
				all = append(all, form)
			}
		}
	}
	return all
}

// Covers reports whether one of the ranges contains all addresses of inner.
func Covers(ranges []netip.Prefix, inner netip.Prefix) bool {
	return slices.ContainsFunc(ranges, func(outer netip.Prefix) bool {
		return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
	})
}

// withNAT64 is the prefix and, for IPv4, the IPv6 prefix that a NAT64 gateway translates to it.
func withNAT64(prefix netip.Prefix) []netip.Prefix {
	if !prefix.Addr().Is4() {
		return []netip.Prefix{prefix}
	}
	form, embedded := nat64.Addr().As16(), prefix.Addr().As4()
	copy(form[12:], embedded[:])
	return []netip.Prefix{prefix, netip.PrefixFrom(netip.AddrFrom16(form), nat64.Bits()+prefix.Bits())}
}
