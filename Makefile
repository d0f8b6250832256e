# Everything one does here. ARGS goes to the program or to go test, PKG narrows to packages: make test PKG=./loaders/... ARGS='-run Search'
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run build test lint fuzz generate bench tidy fmt

PKG ?= ./...
ARGS ?=
FUZZ_SECONDS ?= 60
TOOL := go tool -modfile=.ci/tools.mod

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

run: build ## build and start on 127.0.0.1:8080 over the sandbox; ARGS are its flags
	@exec bin/chargegraph $(ARGS)

build: ## bin/chargegraph
	@go build -o bin/chargegraph ./cmd/chargegraph

test: ## everything, with the race detector and in random order; INSTALL=1 installs what is missing
	@.ci/need gcc
	go test -race -shuffle=on -timeout=6m $(ARGS) $(PKG)

lint: ## formatters, vet, linters, arrows, generated code, tidiness, dead code
	@.ci/lint

fuzz: ## each Fuzz target an equal share of FUZZ_SECONDS (60)
	@.ci/fuzz $(FUZZ_SECONDS)

generate: ## graph/ from schema.graphqls
	@go generate ./...

bench: ## every benchmark, without race; compare two outputs with `go tool -modfile=.ci/tools.mod benchstat old new`
	@{ grep -rlE --include='*_test.go' '^func Benchmark' $(patsubst %/...,%,$(PKG)) || true; } | xargs -rn1 dirname | sort -u | sed 's#^[^./]#./&#' \
		| xargs -r go test -run '^$$' -bench . -benchmem $(ARGS)

tidy: ## go.mod and go.sum
	@go mod tidy

fmt: ## gofumpt and gci, in place
	@$(TOOL) golangci-lint fmt
