#!/usr/bin/env bash
# Fails if a file of the newest commit is so large that it must be something built.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-tree -r --format='%(objectsize) %(path)' HEAD | awk -v most=$((1 << 20)) '
	$1 > most { print "verify-files: " $2 " has " $1 " bytes; remove it from the commit" > "/dev/stderr"; failed = 1 }
	END { exit failed }'
