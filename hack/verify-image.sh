#!/usr/bin/env bash
# Tests the image builder, and that a copy of the checkout gives the same digest: verify-image.sh FLAGS-OF-THE-IMAGE-BUILDER
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p bin
(cd image && go vet ./... && go test ./... && go build -o ../bin/image-builder .)
dir=${TMPDIR:-/tmp}/image-$$ # without capitals: ko takes it for the name of a repository
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/copy"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$dir/copy"
here=$(bin/image-builder --out "$dir/1" "$@")
there=$(bin/image-builder --source "$dir/copy" --out "$dir/2" "$@")
[ "$here" = "$there" ] || {
	echo "Two builds of one commit differ: $here $there" >&2
	exit 1
}
ls "$dir"/1/sbom/*.spdx.json >/dev/null
echo "$here"
