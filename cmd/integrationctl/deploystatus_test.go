package main

import (
	"strings"
	"testing"
	"time"

	"platform.company.com/workspace-flyte-integration/internal/deploy"
)

func TestRenewal(t *testing.T) {
	now := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	for days, want := range map[int]string{-1: "restart K3s", 30: "restart K3s", 31: ""} {
		got := renewal(deploy.Certificate{Expires: now.AddDate(0, 0, days)}, now)
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%d days before its end: %q, want %q", days, got, want)
		}
	}
}
