#!/usr/bin/env bash
# Runs all tests. The last line counts them.
set -euo pipefail
cd "$(dirname "$0")/.."
gotestsum=$(hack/tool.sh gotestsum)
race=$(hack/race.sh)
HELM=$(hack/tool.sh helm)
HELM3=$(hack/tool.sh helm3)
export HELM HELM3
# Control planes and test binaries live for seconds or minutes: collecting garbage less often saves a fifth of their processor time, for
# more memory.
export GOGC=${GOGC:-400}
# The end-to-end packages mostly wait, so more packages run at a time than there are cores. The longest ones come first, so that none of
# them runs alone at the end. Linking without DWARF (-w) saves a quarter of the linker's time; stack traces need none.
longest=(./internal/workspace/lifecycle ./e2e/helm ./e2e/crash ./internal/deploy ./e2e/deploy ./e2e/fault)
# test-browser, test-flyte, test-node and test-kueue run these packages. All their tests would be skipped here, and linking them takes half a
# minute of processor time.
elsewhere='/e2e/(browser|flyte|k3s|kueue|node)$'
packages=$(go list ./... | grep -Ev "$elsewhere")
# shellcheck disable=SC2086 # $race may be empty, and $packages are many
exec "$gotestsum" --format pkgname-and-test-fails -- $race -shuffle=on -timeout=30m -ldflags=-w -p=4 "${longest[@]}" $packages
