package desired

import (
	"net/netip"
	"slices"
)

// metadataCIDRs are where clouds hand out instance credentials: AWS, GCP, Azure and OpenStack share the first, which GKE
// translates to the second; then AWS ECS and EKS Pod Identity, Azure's wire server, Alibaba, Scaleway; and over IPv6 AWS,
// EKS Pod Identity, GCP, Oracle, Scaleway, OpenStack.
var metadataCIDRs = []string{
	"169.254.169.254/32", "169.254.169.252/32", "169.254.170.2/32", "169.254.170.23/32", "168.63.129.16/32", "100.100.100.200/32",
	"169.254.42.42/32",
	"fd00:ec2::254/128", "fd00:ec2::23/128", "fd20:ce::254/128", "fd00:c1::a9fe:a9fe/128", "fd00:42::42/128", "fe80::a9fe:a9fe/128",
}

// metadataRanges are metadataCIDRs in every form in which pods could dial them.
var metadataRanges = closedRanges(nil)

// nat64Prefix is where a cluster with IPv6 alone reaches IPv4 addresses through a NAT64 gateway (RFC 6052).
var nat64Prefix = netip.MustParsePrefix("64:ff9b::/96")

// closedRanges are these CIDRs and the metadata addresses, each IPv4 range also in its NAT64 form. A range within an
// earlier one is left out. What is no CIDR is ignored: the configuration refuses it.
func closedRanges(cidrs []string) (all []netip.Prefix) {
	for _, cidr := range slices.Concat(cidrs, metadataCIDRs) {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			continue
		}
		for _, form := range withNAT64(prefix) {
			if !covers(all, form) {
				all = append(all, form)
			}
		}
	}
	return all
}

// withNAT64 is the prefix and, for IPv4, the IPv6 prefix that a NAT64 gateway translates to it.
func withNAT64(prefix netip.Prefix) []netip.Prefix {
	if !prefix.Addr().Is4() {
		return []netip.Prefix{prefix}
	}
	form, embedded := nat64Prefix.Addr().As16(), prefix.Addr().As4()
	copy(form[12:], embedded[:])
	return []netip.Prefix{prefix, netip.PrefixFrom(netip.AddrFrom16(form), nat64Prefix.Bits()+prefix.Bits())}
}

// covers reports whether all addresses of inner are in one of the ranges.
func covers(ranges []netip.Prefix, inner netip.Prefix) bool {
	return slices.ContainsFunc(ranges, func(outer netip.Prefix) bool {
		return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
	})
}
