package netguard

import (
	"net"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dials reports whether a connection to host may lead to an address.
func dials(t *testing.T, host, address string) bool {
	t.Helper()
	return DialControl(host)(t.Context(), "tcp", net.JoinHostPort(address, "443"), nil) == nil
}

// TestDialControl_RefusesMetadataAddresses in every form that a resolver can return.
func TestDialControl_RefusesMetadataAddresses(t *testing.T) {
	addresses := []string{
		"192.0.0.192", "fe80::1", "fe80::a9fe:a9fe%eth0", "fd00:ec2::254%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
		"2002:a9fe:a9fe::1", "0.0.0.0", "::", "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
		"224.0.0.1", "255.255.255.255", "ff02::1", "name",
	}
	for _, cidr := range Metadata {
		address, _, _ := strings.Cut(cidr, "/")
		addresses = append(addresses, address)
	}
	for _, address := range addresses {
		if dials(t, "workspaces.company.com", address) {
			t.Errorf("%s is allowed", address)
		}
	}
	for _, address := range []string{
		"10.96.0.1", "192.168.1.1", "172.16.0.1", "93.184.216.34", "fd12::1", "2606:2800::1", "64:ff9b::5db8:d822",
	} {
		if !dials(t, "workspaces.company.com", address) {
			t.Errorf("%s is refused", address)
		}
	}
}

// TestDialControl_AllowsALoopbackHostNothingElse: http is allowed there.
func TestDialControl_AllowsALoopbackHostNothingElse(t *testing.T) {
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		for address, want := range map[string]bool{"127.0.0.1": true, "::1": true, "10.0.0.1": false, "169.254.169.254": false} {
			if dials(t, host, address) != want {
				t.Errorf("%s at %s: allowed is not %v", host, address, want)
			}
		}
	}
}

func TestParseEndpoint(t *testing.T) {
	const noURL, onlyLoopback = "must be an https URL", "must be an https URL; http is for loopback only"
	const more = "must have no user, query or fragment"
	for text, want := range map[string]string{
		"https://workspaces.company.com/api": "", "http://127.0.0.1:8081": "", "http://localhost": "", "http://[::1]:1": "",
		"workspaces.company.com": noURL, "ftp://workspaces": noURL, "https://": noURL, "https://x\x7f:hunter2@y": noURL,
		"http://workspaces.company.com": onlyLoopback, "http://127.0.0.1.company.com": onlyLoopback,
		"https://a:hunter2@workspaces": more, "https://workspaces?key=x": more, "https://workspaces?": more, "https://workspaces#x": more,
	} {
		got := ""
		if _, err := ParseEndpoint(text); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestMetadata_IsWhatTiersRefuse: a validation rule of the WorkspaceTier repeats it.
func TestMetadata_IsWhatTiersRefuse(t *testing.T) {
	source, err := os.ReadFile("../../api/v1alpha1/tier_network.go")
	if err != nil {
		t.Fatal(err)
	}
	rule := regexp.MustCompile(`!\(self in \[([^]]*)\]\)`).FindSubmatch(source)
	if rule == nil {
		t.Fatal("the rule is not there")
	}
	if diff := cmp.Diff(Metadata, strings.Split(strings.Trim(string(rule[1]), "'"), "', '")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, cidr := range append(MetadataServer, EKSPodIdentity...) {
		if !strings.Contains(strings.Join(Metadata, " "), cidr) {
			t.Errorf("%s is missing", cidr)
		}
	}
}
