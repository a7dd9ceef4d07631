#!/usr/bin/env bash
# Regenerates deepcopy, CRDs, RBAC, protobuf messages, the web page's templates, the API reference and the chart's README.
set -euo pipefail
cd "$(dirname "$0")/.."
name=workspace-flyte-integration
chart=charts/$name
controller_gen=$(hack/tool.sh controller-gen)
crd_ref_docs=$(hack/tool.sh crd-ref-docs)
helm_docs=$(hack/tool.sh helm-docs)
goprotoc=$(hack/tool.sh goprotoc)
templ=$(hack/tool.sh templ)
protoc_gen_go=$(hack/tool.sh protoc-gen-go)
protoc_gen_go_grpc=$(hack/tool.sh protoc-gen-go-grpc)
set -x
"$controller_gen" object paths=./api/... paths=./internal/kueue/...
"$controller_gen" crd paths=./api/... output:crd:dir=$chart/crds
"$controller_gen" rbac:roleName=$name paths=./internal/... paths=./cmd/... output:rbac:dir=rbac
go run ./hack/valuesschema
"$crd_ref_docs" --log-level ERROR --source-path api/v1alpha1 --config hack/crd-ref-docs.yaml --renderer markdown --output-path docs/api.md
# It links to a map as to a type, and to nothing that is there.
sed -i -E 's/\[map\[string\]([A-Za-z]+)\]\(#map\[string\]([a-z]+)\)/map of string to [\1](#\2)/g' docs/api.md
cp rbac/role.yaml $chart/files/role.yaml
"$helm_docs" --log-level warn --sort-values-order file --chart-search-root charts
"$templ" generate -path internal/web -log-level error
"$goprotoc" --plugin="$protoc_gen_go" --plugin="$protoc_gen_go_grpc" -I internal/flyte \
	--go_out=paths=source_relative:internal/flyte --go-grpc_out=paths=source_relative:internal/flyte flyteidl2/project.proto
