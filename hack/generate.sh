#!/usr/bin/env bash
# Regenerates deepcopy, CRDs, RBAC, protobuf messages and the chart's README.
set -euo pipefail
cd "$(dirname "$0")/.."
name=workspace-flyte-integration
chart=charts/$name
controller_gen=$(hack/tool.sh controller-gen)
helm_docs=$(hack/tool.sh helm-docs)
goprotoc=$(hack/tool.sh goprotoc)
protoc_gen_go=$(hack/tool.sh protoc-gen-go)
protoc_gen_go_grpc=$(hack/tool.sh protoc-gen-go-grpc)
set -x
"$controller_gen" object paths=./api/...
"$controller_gen" crd paths=./api/... output:crd:dir=$chart/crds
"$controller_gen" rbac:roleName=$name paths=./internal/... paths=./cmd/... output:rbac:dir=rbac
go run ./hack/valuesschema
cp rbac/role.yaml $chart/files/role.yaml
"$helm_docs" --log-level warn --sort-values-order file --chart-search-root charts
"$goprotoc" --plugin="$protoc_gen_go" --plugin="$protoc_gen_go_grpc" -I internal/flyte \
	--go_out=paths=source_relative:internal/flyte --go-grpc_out=paths=source_relative:internal/flyte flyteidl2/project.proto
