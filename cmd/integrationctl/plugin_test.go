package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPlugin_SaysSoInItsUsage starts the program under the names by which kubectl finds it.
func TestPlugin_SaysSoInItsUsage(t *testing.T) {
	for name, c := range map[string]struct{ args, want string }{
		"kubectl-workspace":          {"wait --help", "kubectl workspace wait ID --for=(ready|suspended|deleted|purged) [flags]"},
		"kubectl-workspace.exe":      {"wait --help", "kubectl workspace wait ws-001 --for=ready --timeout=2m"},
		"kubectl_complete-workspace": {"wait --for s", "suspended"},
	} {
		if out := runAs(t, name, strings.Fields(c.args)...); !strings.Contains(out, c.want) || strings.Contains(out, programName) {
			t.Errorf("%s %s prints\n%s", name, c.args, out)
		}
	}
}

func runAs(t *testing.T, name string, args ...string) string {
	t.Helper()
	c := program(t, args...)
	link := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(c.Path, link); err != nil {
		t.Fatal(err)
	}
	c.Path, c.Args[0] = link, link
	out, err := c.Output()
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return string(out)
}
