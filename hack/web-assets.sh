#!/usr/bin/env bash
# Fetches the scripts of web-assets.txt from npm again: web-assets.sh
# To update one, write its new version and the integrity hash of `npm view PACKAGE@VERSION dist.integrity` there. The script changes
# nothing unless every package has its hash.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
while read -r package version integrity file target; do
	case $package in '' | '#'*) continue ;; esac
	archive=$(cd "$dir" && npm pack --silent "$package@$version")
	got=sha512-$(openssl dgst -sha512 -binary "$dir/$archive" | base64 --wrap=0)
	if [ "$got" != "$integrity" ]; then
		echo "$package $version has the hash $got, not $integrity of hack/web-assets.txt" >&2
		exit 1
	fi
	mkdir -p "$dir/new/$(dirname "$target")"
	tar -xzf "$dir/$archive" -O "package/$file" >"$dir/new/$target"
done <hack/web-assets.txt
cp -r "$dir/new/." .
