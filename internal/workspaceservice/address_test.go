package workspaceservice

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// TestGuard_RefusesMetadataAddresses in every form that a resolver can give them.
func TestGuard_RefusesMetadataAddresses(t *testing.T) {
	for _, text := range []string{
		"169.254.169.254", "169.254.170.2", "169.254.170.23", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254",
		"fd00:ec2::23", "fd20:ce::254", "fe80::1", "fe80::a9fe:a9fe%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
		"2002:a9fe:a9fe::1", "0.0.0.0", "::", "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
		"224.0.0.1", "255.255.255.255", "ff02::1",
	} {
		if (guard{}).allows(netip.MustParseAddr(text)) {
			t.Errorf("%s is let through", text)
		}
	}
	for _, text := range []string{"10.96.0.1", "192.168.1.1", "172.16.0.1", "93.184.216.34", "fd12::1", "2606:2800::1", "64:ff9b::5db8:d822"} {
		if !(guard{}).allows(netip.MustParseAddr(text)) {
			t.Errorf("%s is refused", text)
		}
	}
}

// TestGuard_OfALoopbackEndpointDialsNothingElse: http is allowed there.
func TestGuard_OfALoopbackEndpointDialsNothingElse(t *testing.T) {
	local := guard{local: true}
	for text, allowed := range map[string]bool{"127.0.0.1": true, "::1": true, "10.0.0.1": false, "169.254.169.254": false} {
		if local.allows(netip.MustParseAddr(text)) != allowed {
			t.Errorf("%s: not %v", text, allowed)
		}
	}
}

// TestClient_DialsNoMetadataAddress goes through the client, to which an address is a name like any other.
func TestClient_DialsNoMetadataAddress(t *testing.T) {
	for _, host := range []string{"169.254.169.254", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "0.0.0.0"} {
		endpoint, err := url.Parse("https://" + host)
		must(t, err)
		err = newTestClient(t, endpoint).post(t.Context(), aMessage)
		if err == nil || !strings.Contains(err.Error(), "is refused") {
			t.Errorf("%s: %v", host, err)
		}
	}
}
