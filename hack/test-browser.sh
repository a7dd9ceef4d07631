#!/usr/bin/env bash
# Runs the tests of the web page in headless Chromium. Where there is none, and no packages of Debian to unpack one from, it says so, and
# fails only if BROWSER_REQUIRED=true.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! go run ./hack/build browser; then
	echo "!!! NOTHING was tested in a browser." >&2
	[ "${BROWSER_REQUIRED:-}" != true ]
	exit
fi
go run ./hack/build control-plane nodes
BROWSER_TESTS=true exec go test ./e2e/browser -count=1 -v -timeout=10m
