# Everything one does here. ARGS goes to the program or to go test, PKG narrows to packages: make test PKG=./loaders/... ARGS='-run Search'
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run build web browser test crash siege lint fuzz schema audits clients deploy generate bench microbench tidy fmt

PKG ?= ./...
ARGS ?=
FUZZ_SECONDS ?= 60
TOOL := go tool -modfile=.ci/tools.mod

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

run: build ## build and start on 127.0.0.1:8080 over the sandbox; ARGS are its flags
	@exec bin/chargegraph $(ARGS)

build: ## bin/chargegraph
	@go build -o bin/chargegraph ./cmd/chargegraph

web: ## GraphiQL into web/dist, which the next build embeds; wants node 20 and npm
	@.ci/need node
	@cd web && npm ci && node build.mjs

browser: ## both playgrounds in headless Chromium; pictures in web/test/out
	@.ci/browser

test: ## everything, with the race detector and in random order; INSTALL=1 installs what is missing
	@.ci/need gcc redis-server $(if $(CI),promtool)
	go test -race -shuffle=on -timeout=10m $(ARGS) $(PKG)

crash: build ## check-ins while the service is killed again and again; ARGS are its flags, -n 50 for a short one
	@.ci/need redis-server
	@go build -o bin/crash ./cmd/crash
	@bin/crash -bin bin/chargegraph $(ARGS)

siege: ## a thousand idle sockets, and all attacks at once beside ordinary clients; wants a quiet machine, or ARGS=bounds, which does not judge how long people wait
	@go test ./server -count=1 -run '^TestIdleWebSockets' -v
	@SIEGE=$(or $(ARGS),all) go test ./cmd/chargegraph -count=1 -run '^TestSiege$$' -v

schema: ## schema.graphqls is well made, and breaks no client of the last release
	@.ci/schema

audits: build ## the 61 audits of GraphQL over HTTP
	@CHARGEGRAPH=$(CURDIR)/bin/chargegraph .ci/audits

clients: build ## the typed clients in TypeScript and Go, against the running service
	@CHARGEGRAPH=$(CURDIR)/bin/chargegraph .ci/clients

deploy: ## what deploy/ says, as far as it can be tried without an engine; compiles for a minute the first time
	@.ci/deploy

lint: ## formatters, vet, linters, arrows, generated code, tidiness, dead code
	@.ci/lint

fuzz: ## each Fuzz target an equal share of FUZZ_SECONDS (60)
	@.ci/fuzz $(FUZZ_SECONDS)

generate: ## graph/ from schema.graphqls
	@go generate ./...

bench: build ## load on a running server, each figure beside its goal; ARGS are its flags: make bench ARGS='-quick -json bench.json'
	@go build -o bin/bench ./cmd/bench
	@exec bin/bench $(ARGS)

microbench: ## every Go benchmark, without race; compare two outputs with `go tool -modfile=.ci/tools.mod benchstat old new`
	@{ grep -rlE --include='*_test.go' '^func Benchmark' $(patsubst %/...,%,$(PKG)) || true; } | xargs -rn1 dirname | sort -u | sed 's#^[^./]#./&#' \
		| xargs -r go test -run '^$$' -bench . -benchmem $(ARGS)

tidy: ## go.mod and go.sum
	@go mod tidy

fmt: ## gofumpt and gci, in place
	@$(TOOL) golangci-lint fmt
