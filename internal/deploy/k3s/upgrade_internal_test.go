package k3s

import (
	"strings"
	"testing"
)

func TestUpgradeProblem(t *testing.T) {
	for change, want := range map[string]string{
		"v1.35.5+k3s1 v1.35.5+k3s1":  "",
		"v1.35.5+k3s1 v1.35.5+k3s2":  "",
		"v1.35.5+k3s1 v1.35.12+k3s1": "",
		"v1.35.5+k3s1 v1.36.0+k3s1":  "",
		"v1.35.5+k3s1 v1.35.4+k3s1":  "is older",
		"v1.35.5+k3s1 v1.37.0+k3s1":  "skips a minor version: upgrade to 1.36 first",
		"v1.35.5+k3s1 v2.0.0+k3s1":   "skips a minor version",
		"v1.35.5+k3s1 latest":        `must be a version such as v1.35.5+k3s1, not "latest"`,
		" v1.35.5+k3s1":              "it has no K3s",
		"HEAD v1.35.5+k3s1":          `"HEAD", which can't be compared`,
	} {
		from, to, _ := strings.Cut(change, " ")
		if got := upgradeProblem(from, to); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q, want %q", change, got, want)
		}
	}
}

func TestNodeIn(t *testing.T) {
	const list = "node-0    Ready,SchedulingDisabled   control-plane   1m   v1.36.1+k3s1\nnode-00   NotReady   <none>   1m   v1.35.5+k3s1\n"
	for name, want := range map[string]string{
		"node-0": "Ready,SchedulingDisabled v1.36.1+k3s1", "node-00": "NotReady v1.35.5+k3s1", "node": "not listed no version",
	} {
		if state, running := nodeIn(list, name); state+" "+running != want {
			t.Errorf("%s is %s with %s, want %s", name, state, running, want)
		}
	}
}

// TestUnitOf: an error names the unit whose log says why.
func TestUnitOf(t *testing.T) {
	for role, want := range map[string]string{"server": "k3s", "agent": "k3s-agent"} {
		if got := unitOf(role); got != want {
			t.Errorf("%s: %q, want %q", role, got, want)
		}
	}
}
