package webhook

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientOf returns the network that a request comes from: that of its TCP peer or, behind trusted proxies, of the nearest
// address in X-Forwarded-For that is not a trusted proxy. The client itself may have written anything further left.
func clientOf(r *http.Request, trusted []netip.Prefix) netip.Prefix {
	hop := parseAddress(r.RemoteAddr)
	forwarded := r.Header.Values("X-Forwarded-For")
	for _, value := range slices.Backward(forwarded) {
		for value != "" && isTrusted(hop, trusted) {
			last := value[strings.LastIndexByte(value, ',')+1:]
			value = strings.TrimSuffix(strings.TrimSuffix(value, last), ",")
			next := parseAddress(strings.TrimSpace(last))
			if !next.IsValid() {
				return clientNetwork(hop)
			}
			hop = next
		}
	}
	return clientNetwork(hop)
}

func isTrusted(address netip.Addr, trusted []netip.Prefix) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(address) })
}

// parseAddress reads an address with or without a port: some proxies write one.
func parseAddress(text string) netip.Addr {
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		withPort, _ := netip.ParseAddrPort(text)
		address = withPort.Addr()
	}
	return address.Unmap().WithZone("")
}

func clientNetwork(address netip.Addr) netip.Prefix {
	bits := address.BitLen()
	if address.Is6() {
		bits = clientBits
	}
	network, _ := address.Prefix(bits) // fails without an address: all such requests share the zero Prefix
	return network
}
