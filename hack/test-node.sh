#!/usr/bin/env bash
# Runs the tests with real pods. Where a node can't run, it says what is missing, and fails only if NODE_REQUIRED=true:
# test-node.sh FLAGS-OF-THE-IMAGE-BUILDER
set -euo pipefail
cd "$(dirname "$0")/.."
if ! go run ./hack/build --check-node; then
	echo "!!! NOTHING was tested with real pods." >&2
	[ "${NODE_REQUIRED:-}" != true ]
	exit
fi
go run ./hack/build control-plane nodes node sshd docker
HELM=$(hack/tool.sh helm)
NODE_IMAGE=$PWD/bin/image-node
NODE_IMAGE_TARS=$PWD/bin/image-node-tars
export HELM NODE_IMAGE NODE_IMAGE_TARS
mkdir -p bin
(cd image && go build -o ../bin/image-builder .)
rm -rf "$NODE_IMAGE_TARS"
mkdir "$NODE_IMAGE_TARS"
bin/image-builder --out "$NODE_IMAGE" --platform "linux/$(go env GOARCH)" --tars "$NODE_IMAGE_TARS" --tag integration:v1 "$@"
exec go test ./e2e/node ./e2e/k3s ./e2e/docker -count=1 -v -parallel=8 -timeout=20m
