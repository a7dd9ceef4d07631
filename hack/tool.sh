#!/usr/bin/env bash
# Prints the path of a tool of tools.txt, and builds the tool first if the cache lacks it: tool.sh NAME
# It builds in a directory beside the final one and renames the result, so an interrupted build leaves nothing that would be used.
set -euo pipefail
cd "$(dirname "$0")"
read -r package version < <(awk -v name="$1" '$1 == name {print $2, $3}' tools.txt)
dir=$(./cache.sh)/tools/$1@$version
if [ ! -e "$dir/$1" ]; then
	echo "Installing $1 $version, once …" >&2
	mkdir -p "$dir"
	new=$(mktemp -d "$dir/.install.XXXXXX")
	trap 'rm -rf "$new"' EXIT
	env -u GOOS -u GOARCH -u GOFLAGS CGO_ENABLED=0 GOBIN="$new" go install "$package@$version"
	mv "$new/${package##*/}" "$dir/$1" # the program has the name of its package
fi
echo "$dir/$1"
