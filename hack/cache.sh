#!/usr/bin/env bash
# Prints the cache directory of tools, schemas and the embedded control plane.
set -euo pipefail
echo "${WFI_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/workspace-flyte-integration}"
