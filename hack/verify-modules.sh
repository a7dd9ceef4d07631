#!/usr/bin/env bash
# Fails if a go.mod or go.sum is not tidy.
set -euo pipefail
cd "$(dirname "$0")/.."
for module in . devcluster/controlplane devcluster/kwok devcluster/kueue/program devcluster/node/programs image; do
	(cd $module && go mod tidy -diff)
done
