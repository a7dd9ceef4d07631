#!/usr/bin/env bash
# Tests the image builder, and that another clone of the commit gives the same digest: verify-image.sh FLAGS-OF-THE-IMAGE-BUILDER
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p bin
(cd image && go vet ./... && go test ./... && go build -o ../bin/image-builder .)
dir=${TMPDIR:-/tmp}/image-$$ # without capitals: ko takes it for the name of a repository
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir"
here=$(bin/image-builder --out "$dir/1" "$@")
if [ -z "$(git status --porcelain)" ]; then # a clone of its own, at another path and of another remote
	git clone -q . "$dir/copy"
	git -C "$dir/copy" remote set-url origin https://git.example.com/elsewhere.git
	there=$(make -s -C "$dir/copy" image)
else # the same files, at another path
	mkdir "$dir/copy"
	git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$dir/copy"
	there=$(bin/image-builder --source "$dir/copy" --out "$dir/2" "$@")
fi
[ "$here" = "$there" ] || {
	echo "Two builds of one commit differ: $here $there" >&2
	exit 1
}
ls "$dir"/1/sbom/*.spdx.json >/dev/null
echo "$here"
