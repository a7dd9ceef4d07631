# Everything one does with this project; `make` alone lists it.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:
.NOTPARALLEL: # go uses all cores by itself, and verify must not lint what generate is writing
.DEFAULT_GOAL := help

# The Go that is here, never one that is fetched.
export GOTOOLCHAIN := local

NAME    := workspace-flyte-integration
CACHE   := $(or $(WFI_CACHE_DIR),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/$(NAME))
CHART   := charts/$(NAME)
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
# When the commit was made, not when it is built: two builds of one commit are the same.
DATE    ?= $(or $(shell TZ=UTC git show -s --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null),unknown)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)

# --- Tools: built from source once, kept by version outside the checkout -------------------------

# $(call tool,name,package,version) makes $(name) the path of the tool and the rule that installs it.
# It is built aside and then renamed: an interrupted install leaves nothing that would be used.
define tool
$(1) := $(CACHE)/tools/$(1)@$(3)/$(1)
$$($(1)):
	@echo "Installing $(1) $(3), once …"; mkdir -p $$(@D); \
	aside=$$$$(mktemp -d $$(@D)/.install.XXXXXX); trap 'rm -rf "$$$$aside"' EXIT; \
	env -u GOOS -u GOARCH -u GOFLAGS CGO_ENABLED=0 GOBIN="$$$$aside" go install $(2)@$(3) && mv "$$$$aside/$(1)" $$@
endef
$(eval $(call tool,golangci-lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,v2.15.0))
$(eval $(call tool,controller-gen,sigs.k8s.io/controller-tools/cmd/controller-gen,v0.23.0))
$(eval $(call tool,goprotoc,github.com/jhump/goprotoc/cmd/goprotoc,v0.5.0))
$(eval $(call tool,protoc-gen-go,google.golang.org/protobuf/cmd/protoc-gen-go,v1.36.12))
$(eval $(call tool,protoc-gen-go-grpc,google.golang.org/grpc/cmd/protoc-gen-go-grpc,v1.6.2))
$(eval $(call tool,gotestsum,gotest.tools/gotestsum,v1.13.0))
$(eval $(call tool,govulncheck,golang.org/x/vuln/cmd/govulncheck,v1.8.0))
$(eval $(call tool,helm,helm.sh/helm/v4/cmd/helm,v4.3.1))
$(eval $(call tool,helm-docs,github.com/norwoodj/helm-docs/cmd/helm-docs,v1.14.2))
$(eval $(call tool,kube-score,github.com/zegl/kube-score/cmd/kube-score,v1.20.0))
$(eval $(call tool,conftest,github.com/open-policy-agent/conftest,v0.71.1))
$(eval $(call tool,kubeconform,github.com/yannh/kubeconform/cmd/kubeconform,v0.8.0))

# --- Targets -------------------------------------------------------------------------------------
.PHONY: help build image run test soak load tier bench generate fmt lint verify verify-generated verify-modules verify-chart verify-image verify-vulnerabilities clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# It shows what it compiles and how much is left. With empty caches it is itself compiled first, in some 20 seconds.
BUILD := echo "Building what is not built yet …" >&2; go run ./hack/build --ldflags '$(LDFLAGS)'

build: ## Build the service, the operator's CLI and the embedded control plane's starter into bin/
	@$(BUILD) programs

run: ## Start control plane and service, send three webhooks, show the workspaces (RUN_ONCE=1 stops there; RUN_PORT=8080 etc.)
	@$(BUILD) --check-run-ports programs control-plane
	@bin/devcluster run $(if $(RUN_ONCE),--once)

# PUSH=registry/repository:tag pushes it, too. What it prints is the digest of the index, for the chart's image.digest.
image: ## Build the image for amd64 and arm64 into bin/image, with SBOMs, without a container engine (PUSH=registry/repository:tag)
	@mkdir -p bin; cd image && go build -o ../bin/image-builder .
	@bin/image-builder --out bin/image $(IMAGE_OF) $(if $(PUSH),--push $(PUSH))

IMAGE_OF = --version '$(VERSION)' --commit '$(COMMIT)' --date '$(DATE)' --origin '$(shell git remote get-url origin 2>/dev/null)'

# A copy elsewhere must give the same digest.
# The directory has no capitals, since ko takes its path for the name of a repository.
verify-image:
	@mkdir -p bin; cd image && go vet ./... && go test ./... && go build -o ../bin/image-builder .
	@dir=$${TMPDIR:-/tmp}/image-$$$$; trap 'rm -rf "$$dir"' EXIT; mkdir -p "$$dir/elsewhere"; \
	git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$$dir/elsewhere"; \
	here=$$(bin/image-builder --out "$$dir/1" $(IMAGE_OF)); \
	there=$$(bin/image-builder --source "$$dir/elsewhere" --out "$$dir/2" $(IMAGE_OF)); \
	[ "$$here" = "$$there" ] || { echo "Two builds of one commit differ: $$here $$there" >&2; exit 1; }; \
	ls "$$dir"/1/sbom/*.spdx.json >/dev/null; echo "$$here"

# The race detector needs a C compiler; a machine without one tests all the same, and says so.
RACE = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race,$(warning no C compiler: testing without the race detector))

test: $(gotestsum) $(helm) ## Run all tests, against a real control plane; the last line counts them
	@$(BUILD) control-plane nodes
	HELM=$(helm) $(gotestsum) --format pkgname-and-test-fails -- $(RACE) -shuffle=on -timeout=45m ./...

# SOAK is in seconds.
soak: ## For an hour: deliveries through SIGKILLs, a kill at every single write, long outages, full memory, then all stories in another order, at least once
	@$(BUILD) control-plane nodes
	@SECONDS=0; story() { echo "--- $$*"; go test ./e2e -count=1 -timeout=60m "$$@"; }; \
	story -v -run='^TestEveryDeliveryHasItsEffectOnce$$' -deliveries=$(or $(DELIVERIES),10000) -kills=$(or $(KILLS),40); \
	story -v -run='^TestKilledAtEveryWrite$$' -every-cut; \
	story -v -run='^TestLeaderKilled$$' -leader-kills=10 -every-lease; \
	story -v -run='^(TestAPIServerDown|TestEtcdDown|TestFaultsOfTheAPIServer)$$' -outage=1m -stale=30s -patience=10m; \
	story -v -run='^TestMemoryLimit$$' -heavy=300; \
	while story $(RACE) -shuffle=on; do [ $$SECONDS -lt $(or $(SOAK),3600) ] || exit 0; done; exit 1

load: ## Send 500 deliveries a second for 60 s beside bare writes, without and with reconciling (RATE=500 FOR=60s)
	@$(BUILD) control-plane nodes
	go test ./e2e -count=1 -v -timeout=30m -run='^TestLoad$$' -rate=$(or $(RATE),500) -for=$(or $(FOR),60s) -edge
	go test ./e2e -count=1 -v -timeout=30m -run='^TestLoad$$' -rate=$(or $(RATE),500) -for=$(or $(FOR),60s)

tier: ## Change a tier with 500 workspaces, and update another workspace meanwhile (FLEET=500)
	@$(BUILD) control-plane nodes
	go test ./e2e -count=1 -v -timeout=30m -run='^TestTierChangeReachesAllWorkspaces$$' -fleet=$(or $(FLEET),500)

bench: ## Measure speed, memory and endurance beside a bare client (PARTS=idle,throughput PROFILES=dir QUICK=1 SHARE=20)
	@$(BUILD) control-plane nodes
	@go run ./bench $(if $(PARTS),-parts=$(PARTS)) $(if $(PROFILES),-profiles=$(PROFILES)) $(if $(QUICK),-quick) $(if $(SHARE),-share=$(SHARE))

generate: $(controller-gen) $(helm-docs) $(goprotoc) $(protoc-gen-go) $(protoc-gen-go-grpc) ## Regenerate deepcopy, CRDs, RBAC, protobuf messages and the chart's README
	$(controller-gen) object paths=./api/...
	$(controller-gen) crd paths=./api/... output:crd:dir=$(CHART)/files/crds
	$(controller-gen) rbac:roleName=$(NAME) paths=./internal/... paths=./cmd/... output:rbac:dir=rbac
	cp rbac/role.yaml $(CHART)/files/role.yaml
	$(helm-docs) --log-level warn --sort-values-order file --chart-search-root charts
	$(goprotoc) --plugin=$(protoc-gen-go) --plugin=$(protoc-gen-go-grpc) -I internal/flyte \
		--go_out=paths=source_relative:internal/flyte --go-grpc_out=paths=source_relative:internal/flyte flyteidl2/project.proto

fmt: $(golangci-lint) ## Format the code
	$(golangci-lint) fmt

lint: $(golangci-lint) ## Check the house style
	$(golangci-lint) run
	$(golangci-lint) fmt --diff

verify: verify-generated verify-modules lint verify-chart verify-image verify-vulnerabilities ## Fail on anything stale, unformatted, badly styled or vulnerable

# Before is compared with after, rather than with git, so that it also holds in the middle of a change.
checksums = find api rbac $(CHART)/files $(CHART)/README.md internal/flyte/flyteidl2 -type f -exec cksum {} + 2>/dev/null | sort -k3 || true

verify-generated:
	@before=$$($(checksums)); $(MAKE) generate; \
	diff <(echo "$$before") <($(checksums)) || { echo "These were stale; now they are not: commit them." >&2; exit 1; }

verify-modules:
	go mod tidy -diff
	for module in devcluster/controlplane devcluster/kwok image; do (cd $$module && go mod tidy -diff); done

# Every values file is linted, rendered, held against the schemas of Kubernetes 1.36 and against our own policies; the default
# rendering is scored, too. Kinds whose CRDs are other projects' are skipped by name.
SCHEMAS   := $(CACHE)/schemas/$(shell awk '$$1 == "k8s.io/kubernetes" {print $$2}' devcluster/controlplane/go.mod)
conform   := $(kubeconform) -strict -schema-location '$(SCHEMAS)/{{.ResourceKind}}{{.KindSuffix}}.json' \
	-schema-location "$$dir"'/{{.ResourceKind}}{{.KindSuffix}}.json' \
	-skip ServiceMonitor,PrometheusRule,ExternalSecret,IngressRoute,Middleware,ManagedCertificate
rendering := $(helm) template $(NAME) $(CHART) --namespace platform-services --values

$(SCHEMAS):
	@aside=$@.$$$$$$; trap 'rm -rf "$$aside"' EXIT; go run ./devcluster/cmd/devcluster schemas --dir "$$aside" && mv "$$aside" $@

verify-chart: $(helm) $(kubeconform) $(kube-score) $(conftest) $(SCHEMAS)
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	go run ./devcluster/cmd/devcluster schemas --dir "$$dir" --crds '$(CHART)/files/crds/*.yaml'; \
	$(conftest) verify --quiet --policy charts/policy; \
	for values in $(CHART)/ci/*-values.yaml $(CHART)/examples/*.yaml; do \
		echo "$$values"; \
		$(helm) lint --strict --quiet $(CHART) --values $$values; \
		$(rendering) $$values > "$$dir/rendering.yaml"; \
		$(conform) "$$dir/rendering.yaml"; \
		$(conftest) test --quiet --policy charts/policy "$$dir/rendering.yaml"; \
	done; \
	$(rendering) $(CHART)/ci/default-values.yaml | $(kube-score) score --exit-one-on-warning --kubernetes-version v1.36 \
		--output-format ci - > "$$dir/score" || { grep 'WARNING\|CRITICAL' "$$dir/score"; exit 1; }

GOVULNDB ?= https://vuln.go.dev

verify-vulnerabilities: $(govulncheck)
	@if curl -sS -I -o /dev/null --max-time 20 $(GOVULNDB)/index/modules.json; then \
		$(govulncheck) -db $(GOVULNDB) ./...; \
	else \
		echo "!!! Vulnerabilities were NOT checked: $(GOVULNDB) can't be reached." >&2; \
		[ "$(GOVULNDB_REQUIRED)" != true ]; \
	fi

clean: ## Remove what was built here; the tool cache stays
	rm -rf bin
