#!/usr/bin/env bash
# Runs the tests that need Kueue's controller.
set -euo pipefail
cd "$(dirname "$0")/.."
race=$(hack/race.sh)
# shellcheck disable=SC2086 # $race may be empty
TEST_KUEUE=true exec go test $race -shuffle=on -ldflags=-w -count=1 -timeout=20m ./devcluster/kueue ./e2e/kueue
