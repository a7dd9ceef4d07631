package netguard

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
)

// refused are the ranges that [DialControl] refuses beside loopback: link-local addresses and the metadata addresses of clouds
// that are not link-local, addresses that stand for this machine or for many, and forms of IPv6 that hide an IPv4 address.
var refused = parse(
	"169.254.0.0/16", "fe80::/10",
	"168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32", "fd00:ec2::/32", "fd20:ce::254/128",
	"fd00:c1::a9fe:a9fe/128", "fd00:42::42/128",
	"0.0.0.0/8", "::/128", "224.0.0.0/4", "255.255.255.255/32", "ff00::/8",
	"2002::/16", "2001::/32", "64:ff9b:1::/48",
)

func parse(cidrs ...string) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(cidrs))
	for i, cidr := range cidrs {
		prefixes[i] = netip.MustParsePrefix(cidr)
	}
	return prefixes
}

// DialControl is the ControlContext of a [net.Dialer] that connects to host. It checks the address after name resolution, so
// that no second lookup can return another one. A loopback host may resolve to loopback addresses only; any other host may
// resolve neither to those nor to metadata, link-local or multicast addresses.
func DialControl(host string) func(ctx context.Context, network, address string, _ syscall.RawConn) error {
	loopback := IsLoopback(host)
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		parsed, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("parsing the address to dial: %w", err)
		}
		if addr := parsed.Addr(); !allowed(addr, loopback) {
			return fmt.Errorf("%s is refused: an outgoing connection must not lead to loopback, metadata, link-local or multicast addresses", addr)
		}
		return nil
	}
}

func allowed(addr netip.Addr, loopback bool) bool { //nolint:revive // it is a property of the endpoint
	addr = addr.WithZone("").Unmap()
	if nat64.Contains(addr) {
		embedded := addr.As16()
		addr = netip.AddrFrom4([4]byte(embedded[12:]))
	}
	if loopback || addr.IsLoopback() {
		return loopback && addr.IsLoopback()
	}
	return !slices.ContainsFunc(refused, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// IsLoopback reports whether a host is localhost or a loopback address.
func IsLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// CheckScheme requires an https URL, or http on loopback. Its error does not repeat the URL.
func CheckScheme(u *url.URL) error {
	switch {
	case u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("must be an https URL")
	case u.Scheme == "http" && !IsLoopback(u.Hostname()):
		return errors.New("must be an https URL; http is for loopback only")
	}
	return nil
}

// ParseEndpoint parses the URL of an endpoint that requests with credentials are sent to: as [CheckScheme] requires, and without
// user, query and fragment. Its error does not repeat the text, which may hold a secret.
func ParseEndpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("must be an https URL")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("must have no user, query or fragment")
	}
	return u, CheckScheme(u)
}
