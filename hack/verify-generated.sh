#!/usr/bin/env bash
# Fails if generated files are stale. It compares them before and after, not with git, so it works in the middle of a change.
set -euo pipefail
cd "$(dirname "$0")/.."
checksums() {
	find api rbac charts/*/{crds,files,README.md,values.schema.json} docs/api.md internal/flyte/flyteidl2 internal/web/*_templ.go -type f -exec cksum {} + | sort -k3
}
before=$(checksums)
hack/generate.sh
diff <(echo "$before") <(checksums) || {
	echo "These files were stale and have been regenerated: commit them." >&2
	exit 1
}
