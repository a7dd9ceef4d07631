# `make` lists the targets. What takes more than a line is a script in hack/.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.NOTPARALLEL: # Go uses all cores by itself, and verify must not lint what generate is writing

# Never download another Go.
export GOTOOLCHAIN := local
# What one clone has compiled serves a clone at any other path.
export GOFLAGS += -trimpath

# Nothing here depends on the clone: neither on its remote nor on how far git must go to tell two commits apart.
VERSION ?= $(shell git describe --tags --always --abbrev=12 --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
# The time of the commit, not of the build: two builds of one commit are identical.
DATE    ?= $(or $(shell TZ=UTC git show -s --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null),unknown)
ORIGIN  ?=

LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)
# hack/build shows progress. With empty caches it takes 20 seconds to compile, hence the echo.
BUILD   := echo "Building what is not built yet …" >&2; go run ./hack/build --ldflags '$(LDFLAGS)'
IMAGE    = --version '$(VERSION)' --commit '$(COMMIT)' --date '$(DATE)' --origin '$(ORIGIN)'
STORY   := go test ./e2e/scale -count=1 -v -timeout=30m

.PHONY: $(shell awk -F: '/^[a-z-]+:/ {print $$1}' Makefile)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build the service, the operator's CLI and the embedded control plane's starter into bin/
	@$(BUILD) programs

run: ## Start control plane and service, send three webhooks, show the workspaces (RUN_ONCE=1 stops there; RUN_PORT=8080 etc.; NODE=1: in real pods)
	@$(BUILD) --check-run-ports $(if $(NODE),--check-node) programs control-plane $(if $(NODE),nodes node)
	@bin/devcluster run $(if $(RUN_ONCE),--once) $(if $(NODE),--node)

image: ## Build the image for amd64 and arm64 into bin/image, with SBOMs, without a container engine (PUSH=registry/repository:tag)
	@mkdir -p bin; cd image && go build -o ../bin/image-builder .
	@bin/image-builder --out bin/image $(IMAGE) $(if $(PUSH),--push $(PUSH))

release: ## Build binaries, image, chart, manifests, checksums and provenance into dist/ (VERSION=v1.2.0 PUSH=host/repository COSIGN_KEY=file)
	@hack/release.sh '$(VERSION)'

test: ## Run all tests, against a real control plane; the last line counts them
	@$(BUILD) control-plane nodes
	@hack/test.sh

test-node: ## Run the tests with real pods on a real node; needs root on Linux, and says what else is missing
	@hack/test-node.sh $(IMAGE)

test-kueue: ## Run the tests with Kueue's own controller, which is built first; that takes minutes with empty caches
	@$(BUILD) control-plane nodes kueue
	@hack/test-kueue.sh

test-flyte: ## Run tasks in a workspace on a real Flyte (FLYTE_TEST_CLUSTER=kubeconfig FLYTE_TEST_ENDPOINT=host:port FLYTE_TEST_IMAGE=image)
	@hack/test-flyte.sh

test-browser: ## Test the web page in headless Chromium, which is downloaded from Debian's packages; says so where that can't be
	@hack/test-browser.sh

soak: ## Run the endurance tests, then all end-to-end tests in random order, for an hour (SOAK=3600 DELIVERIES=10000 KILLS=40)
	@$(BUILD) control-plane nodes
	@hack/soak.sh

load: ## Send 500 deliveries a second for 60 s beside bare writes, without and with reconciling (RATE=500 FOR=60s)
	@$(BUILD) control-plane nodes
	$(STORY) -run='^TestLoad$$' -rate=$(or $(RATE),500) -for=$(or $(FOR),60s) -edge
	$(STORY) -run='^TestLoad$$' -rate=$(or $(RATE),500) -for=$(or $(FOR),60s)

tier: ## Change a tier with 500 workspaces, and update another workspace meanwhile (FLEET=500)
	@$(BUILD) control-plane nodes
	$(STORY) -run='^TestTierChangeReachesAllWorkspaces$$' -fleet=$(or $(FLEET),500)

bench: ## Measure speed, memory and endurance beside a bare client (PARTS=idle,throughput PROFILES=dir QUICK=1 SHARE=20)
	@$(BUILD) control-plane nodes kueue
	@go run ./bench $(if $(PARTS),-parts=$(PARTS)) $(if $(PROFILES),-profiles=$(PROFILES)) $(if $(QUICK),-quick) $(if $(SHARE),-share=$(SHARE))

generate: ## Regenerate deepcopy, CRDs, RBAC, protobuf messages, the page's templates, the API reference and the chart's README
	@hack/generate.sh

fmt: ## Format the code
	$$(hack/tool.sh golangci-lint) fmt

lint: ## Check the house style
	$$(hack/tool.sh golangci-lint) run
	$$(hack/tool.sh golangci-lint) fmt --diff

verify: verify-files verify-generated verify-modules lint verify-chart verify-image verify-vulnerabilities ## Fail on anything stale, unformatted, badly styled or vulnerable
verify-files:           ; @hack/verify-files.sh
verify-generated:       ; @hack/verify-generated.sh
verify-modules:         ; @hack/verify-modules.sh
verify-chart:           ; @hack/verify-chart.sh
verify-image:           ; @hack/verify-image.sh $(IMAGE)
verify-vulnerabilities: ; @hack/verify-vulnerabilities.sh

clean: ## Remove what was built here; the tool cache stays
	rm -rf bin
