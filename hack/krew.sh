#!/usr/bin/env bash
# Prints the krew manifest of the plugin kubectl-workspace: krew.sh VERSION CHECKSUMS PLATFORM... URL is where the archives are.
set -euo pipefail
version=$1 checksums=$2 url=${URL:-https://example.com/releases}
cat <<TOP
apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata: {name: workspace}
spec:
  version: $version
  homepage: $url
  shortDescription: See and operate workspaces of workspace-flyte-integration
  description: |
    Lists workspaces, sends signed webhooks, and tests a workspace service.
  platforms:
TOP
for platform in "${@:3}"; do
	os=${platform%/*} arch=${platform#*/}
	file=integrationctl_${version}_${os}_$arch.tar.gz
	end=; [ "$os" != windows ] || end=.exe
	cat <<PLATFORM
    - selector: {matchLabels: {os: $os, arch: $arch}}
      uri: $url/$version/$file
      sha256: $(awk -v file="$file" '$2 == file {print $1}' "$checksums")
      bin: kubectl-workspace$end
      files: [{from: ./integrationctl$end, to: kubectl-workspace$end}, {from: ./LICENSE, to: .}]
PLATFORM
done
