package k3s

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const good = "os=Linux\narch=x86_64\ninit=systemd\ndisk=9000\nmemory=2000\nk3s=\ncurl=/usr/bin/curl\n"

func TestFacts_Problems(t *testing.T) {
	for change, want := range map[string]string{
		"":               "",
		"os=Darwin":      "it runs Darwin, and K3s needs Linux: choose another host",
		"arch=riscv64":   "its architecture is riscv64, and K3s needs x86_64, aarch64 or armv7l: choose another host",
		"init=none":      "it has neither systemd nor OpenRC: choose another host",
		"disk=100":       "/var/lib has 100 MiB left, and K3s needs 2048: free some, or add a disk",
		"memory=512":     "it has 512 MiB of memory, and K3s needs 900: choose a larger host",
		"k3s=" + Version: "",
		"k3s=v1.30.0+k3s1": "it has K3s v1.30.0+k3s1, and this would install " + Version +
			": run `integrationctl deploy upgrade k3s`, or give --k3s-version v1.30.0+k3s1 to keep it",
		"port=80\nport=443":           "other programs listen on its ports 80, 443: stop them, or let them use other ports",
		"port=6443\nbegun=" + Version: "",
		"port=6443\nk3s=" + Version:   "",
		"curl=":                       "it has no curl: install it, or give --bundle",
	} {
		got := strings.Join(parseFacts(good+change).problems(Version, ""), "\n")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", change, diff)
		}
	}
}

// TestFacts_Installed: what a run that was cut off has left does not count as installed.
func TestFacts_Installed(t *testing.T) {
	for facts, want := range map[string]string{
		"k3s=v1":                    "v1", // by another program
		"k3s=v1\nbegun=v1\ndone=v1": "v1",
		"k3s=v1\nbegun=v1":          "",
		"k3s=v2\nbegun=v2\ndone=v1": "",
		"k3s=":                      "",
	} {
		if got := parseFacts(facts).installed(); got != want {
			t.Errorf("%q: %q, want %q", facts, got, want)
		}
	}
}
