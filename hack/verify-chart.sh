#!/usr/bin/env bash
# Lints and renders the chart with every values file, and checks each rendering against the schemas of Kubernetes and our policies.
# kube-score checks the default rendering. Kinds whose CRDs belong to other projects are skipped by name.
set -euo pipefail
cd "$(dirname "$0")/.."
chart=charts/workspace-flyte-integration
helm=$(hack/tool.sh helm)
conftest=$(hack/tool.sh conftest)
kubeconform=$(hack/tool.sh kubeconform)
kube_score=$(hack/tool.sh kube-score)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

kubernetes=$(awk '$1 == "k8s.io/kubernetes" {print $2}' devcluster/controlplane/go.mod)
schemas=$(hack/cache.sh)/schemas/$kubernetes
if [ ! -d "$schemas" ]; then
	mkdir -p "$(dirname "$schemas")"
	new=$(mktemp -d "$schemas.XXXXXX")
	trap 'rm -rf "$dir" "$new"' EXIT
	go run ./devcluster/cmd/devcluster schemas --dir "$new"
	mv "$new" "$schemas"
fi
go run ./devcluster/cmd/devcluster schemas --dir "$dir" --crds "$chart/crds/*.yaml"

render() {
	"$helm" template workspace-flyte-integration $chart --namespace platform-services --values "$1"
}
check() {
	rendering=$dir/$(basename "$1")
	"$helm" lint --strict --quiet $chart --values "$1"
	render "$1" >"$rendering"
	"$kubeconform" -strict -skip ServiceMonitor,PrometheusRule,ExternalSecret,IngressRoute,Middleware,ManagedCertificate \
		-schema-location "$schemas/{{.ResourceKind}}{{.KindSuffix}}.json" \
		-schema-location "$dir/{{.ResourceKind}}{{.KindSuffix}}.json" "$rendering"
	"$conftest" test --quiet --policy charts/policy "$rendering"
	echo "$1"
}
export helm conftest kubeconform chart schemas dir
export -f render check
"$conftest" verify --quiet --policy charts/policy
printf '%s\0' "$chart"/ci/*-values.yaml "$chart"/examples/*.yaml | xargs -0 -n1 -P"$(nproc)" bash -euo pipefail -c 'check "$1"' check
render $chart/ci/default-values.yaml |
	"$kube_score" score --exit-one-on-warning --kubernetes-version "${kubernetes%.*}" --output-format ci - >"$dir/score" || {
	grep 'WARNING\|CRITICAL' "$dir/score"
	exit 1
}
