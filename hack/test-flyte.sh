#!/usr/bin/env bash
# Runs tasks in a workspace on a real Flyte: test-flyte.sh
#   FLYTE_TEST_CLUSTER   the kubeconfig of a cluster with FlyteAdmin and propeller, which map namespaces by flyte-{{ project }}
#   FLYTE_TEST_ENDPOINT  FlyteAdmin's gRPC address there, without TLS: localhost:8089
#   FLYTE_TEST_IMAGE     an image with sh and sleep that the cluster's nodes can run
set -euo pipefail
cd "$(dirname "$0")/.."
for variable in FLYTE_TEST_CLUSTER FLYTE_TEST_ENDPOINT FLYTE_TEST_IMAGE; do
	[ -n "${!variable:-}" ] || {
		sed -n '2,5s/^# //p' "$0" >&2
		echo "test-flyte: $variable is not set" >&2
		exit 64
	}
done
FLYTE_TEST_CLUSTER=$(realpath "$FLYTE_TEST_CLUSTER")
export FLYTE_TEST_CLUSTER
exec go test ./e2e/flyte -count=1 -v -timeout=20m -patience=3m
