package main

import (
	"runtime"
	"strings"
)

// Set by the build: the version, the commit that was built, and when that was made (RFC 3339), so that two builds of one
// commit are the same.
var (
	version = "dev"
	commit  = "unknown"
	date    = "unknown"
)

// versionLine is what --version prints, such as "v1.2.0 (commit 6d04e1b, 2026-11-21T09:00:00Z, go1.26.0)".
func versionLine() string {
	return version + " (commit " + commit + ", " + date + ", " + runtime.Version() + ")"
}

// healthVersion is the version that /health reports, with commit and date as build metadata of Semantic Versioning, such as
// "v1.2.0+6d04e1b.20261121T090000Z".
func healthVersion() string {
	if commit == "unknown" {
		return version
	}
	return version + "+" + commit + "." + strings.NewReplacer("-", "", ":", "", "+", "").Replace(date)
}
