package workspaceservice

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// refused are addresses where no workspace service is: link-local ones with the clouds' metadata (AWS, GCP, Azure,
// OpenStack; ECS and EKS credentials), AWS's over IPv6, GCP's over IPv6, Azure's wire server, Alibaba's and Oracle's
// metadata, addresses that stand for this host or for many, and forms of IPv6 that hide an IPv4 address.
var refused = prefixes(
	"169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "fd20:ce::254/128", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32",
	"0.0.0.0/8", "::/128", "224.0.0.0/4", "255.255.255.255/32", "ff00::/8",
	"2002::/16", "2001::/32", "64:ff9b:1::/48",
)

// nat64 is the well-known prefix under which an IPv6-only cluster reaches IPv4 (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// guard checks an address when it is dialled: names have been resolved, so that no second look-up can give another one.
type guard struct {
	// local lets loopback through, and nothing else: the endpoint is on this machine.
	local bool
}

// control is that of a [net.Dialer].
func (g guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("reading the address to dial: %w", err)
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return fmt.Errorf("reading the address to dial: %w", err)
	}
	if !g.allows(addr) {
		return fmt.Errorf("the address %s is refused: WORKSPACE_API_ENDPOINT must not lead to metadata, multicast or loopback addresses", addr)
	}
	return nil
}

func (g guard) allows(addr netip.Addr) bool {
	addr = embedded(addr.WithZone("").Unmap())
	if addr.IsLoopback() || g.local {
		return addr.IsLoopback() && g.local
	}
	for _, prefix := range refused {
		if prefix.Contains(addr) {
			return false
		}
	}
	return true
}

// embedded is the IPv4 address that an address of NAT64 stands for.
func embedded(addr netip.Addr) netip.Addr {
	if !nat64.Contains(addr) {
		return addr
	}
	bytes := addr.As16()
	return netip.AddrFrom4([4]byte(bytes[12:]))
}
