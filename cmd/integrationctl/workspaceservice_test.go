package main

import (
	"strings"
	"testing"
)

func TestWorkspaceService_RefusesBadArguments(t *testing.T) {
	for args, want := range map[string]string{
		"--listen 0.0.0.0:8081":        "--listen must be an address and port of loopback",
		"--listen :8081":               "--listen must be an address and port of loopback",
		"--drop 101":                   "--drop must be from 0 to 100",
		"--faster 0.5":                 "--faster at least 1",
		"--webhook-secret-file /":      "reading the secret",
		"--listen 127.0.0.1:0":         "no secret: give --webhook-secret-file or set WORKSPACE_WEBHOOK_SECRET",
		"somewhere":                    "unknown command",
		"--state /nowhere/workspaces ": "no secret",
	} {
		got := invocation{}.run(t, append([]string{"workspace-service"}, strings.Fields(args)...)...)
		if got.Code == 0 || !strings.Contains(got.Stderr, want) || got.Stdout != "" {
			t.Errorf("%s: %+v", args, got)
		}
	}
	got := invocation{secret: secret}.run(t, "workspace-service")
	if got.Code != 64 || !strings.Contains(got.Stderr, "give --secret-file or set WORKSPACE_API_SECRET") {
		t.Errorf("without the reports' secret: %+v", got)
	}
}
