#!/usr/bin/env bash
# Prints -race if there is a C compiler, which the race detector needs.
set -euo pipefail
if [ "$(go env CGO_ENABLED)" = 1 ]; then
	echo -race
else
	echo "no C compiler: testing without the race detector" >&2
fi
