package webhook

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// sourceOf is where a request comes from: its TCP peer, or, as long as that is a trusted proxy, the address that it
// says it was asked from. What stands further left in X-Forwarded-For is whatever the sender wrote there.
func sourceOf(r *http.Request, trusted []netip.Prefix) netip.Prefix {
	hop := addressOf(r.RemoteAddr)
	forwarded := r.Header.Values("X-Forwarded-For")
	for _, value := range slices.Backward(forwarded) {
		for value != "" && isTrusted(hop, trusted) {
			last := value[strings.LastIndexByte(value, ',')+1:]
			value = strings.TrimSuffix(strings.TrimSuffix(value, last), ",")
			next := addressOf(strings.TrimSpace(last))
			if !next.IsValid() {
				return sourceIn(hop)
			}
			hop = next
		}
	}
	return sourceIn(hop)
}

func isTrusted(address netip.Addr, trusted []netip.Prefix) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(address) })
}

// addressOf reads an address, with or without a port: some proxies write one.
func addressOf(text string) netip.Addr {
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		withPort, _ := netip.ParseAddrPort(text)
		address = withPort.Addr()
	}
	return address.Unmap().WithZone("")
}

func sourceIn(address netip.Addr) netip.Prefix {
	bits := address.BitLen()
	if address.Is6() {
		bits = sourceBits
	}
	source, _ := address.Prefix(bits) // fails for no address at all: all of those are one source
	return source
}
