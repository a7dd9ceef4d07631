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
$(eval $(call tool,gotestsum,gotest.tools/gotestsum,v1.13.0))
$(eval $(call tool,govulncheck,golang.org/x/vuln/cmd/govulncheck,v1.9.0))
$(eval $(call tool,helm,helm.sh/helm/v4/cmd/helm,v4.3.1))

# --- Targets -------------------------------------------------------------------------------------
.PHONY: help build run test generate clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build the service, the operator's CLI and the embedded control plane's starter into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/ \
		./cmd/integration ./cmd/integrationctl ./devcluster/cmd/devcluster

run: build ## Start control plane and service, send three webhooks, show the workspaces (RUN_ONCE=1 stops there)
	@hack/run

# The race detector needs a C compiler; a machine without one tests all the same, and says so.
RACE = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race,$(warning no C compiler: testing without the race detector))

test: $(gotestsum) ## Run all tests, against a real control plane; the last line counts them
	go run ./devcluster/cmd/devcluster build
	$(gotestsum) --format pkgname-and-test-fails -- $(RACE) -shuffle=on -timeout=15m ./...

generate: $(controller-gen) ## Regenerate deepcopy, CRDs and RBAC
	$(controller-gen) object paths=./api/...
	$(controller-gen) crd paths=./api/... output:crd:dir=$(CHART)/files/crds
	$(controller-gen) rbac:roleName=$(NAME) paths=./internal/... paths=./cmd/... output:rbac:dir=rbac
	cp rbac/role.yaml $(CHART)/files/role.yaml

clean: ## Remove what was built here; the tool cache stays
	rm -rf bin
