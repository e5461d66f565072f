VERSION  := 0.1.0
FUZZTIME ?= 10s
ROUNDS   ?= 2

BINARY  := build/vault-plugin-secrets-apikeys
SERVER  := build/server/vault
LINTER  := build/tools/golangci-lint
SBOM    := build/tools/cyclonedx-gomod
SAID    := $(if $(findstring command line,$(origin VERSION)),$$VERSION)
SOURCES := go.mod go.sum $(shell find cmd/vault-plugin-secrets-apikeys backend paths internal signing \
             -type f -not -name '*_test.go' -not -path '*/testdata/*')
export VERSION FUZZTIME ROUNDS

.PHONY: help server build unit race walls fuzz bench interop accept cluster slowdisk hostile sweepload isolation \
        release release-check linter lint dev test clean

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 15

server: $(SERVER) ## build a Vault server for development into build/server
$(SERVER): bootstrap/vault/go.mod bootstrap/vault/go.sum bootstrap/vault/main.go
	go -C bootstrap/vault build -tags minimal -trimpath -o ../../$@ .

build: $(BINARY) ## build the plugin into build
$(BINARY): Makefile build/v$(VERSION) $(SOURCES)
	@echo "go build ./cmd/vault-plugin-secrets-apikeys, as v$(VERSION)"
	@CGO_ENABLED=0 go build -trimpath -o $@ \
		-ldflags "-X vault-plugin-secrets-apikeys/backend.Version=v$(VERSION)" ./cmd/vault-plugin-secrets-apikeys

build/v%: # so that another version is another build
	@mkdir -p build && rm -f build/v*.*.* && touch $@

unit: ## unit tests
	go run ./scripts/gotest ./...

race: ## unit tests under the race detector
	go run ./scripts/gotest -race ./...

walls: ## take each check of the engine away in turn; its tests have to notice
	go run ./scripts/mutate

fuzz: ## every fuzz target for FUZZTIME (10s)
	scripts/fuzz.sh

bench: ## benchmarks
	go test -run '^$$' -bench . -benchmem ./...

interop: ## both directions against npm http-message-signatures: needs node
	scripts/interop.sh

accept: build ## transcripts on a real server: VAULT_BIN, BAO_BIN, or the one from `make server`
	scripts/accept.sh

cluster: build ## a cluster whose leader is killed ROUNDS times (2), and what became of every key: VAULT_BIN, or `make server`
	scripts/cluster.sh

slowdisk: build ## whether answered changes are in force though the disk is slow, CHANGES of each (8): needs strace
	scripts/slowdisk.sh

hostile: build ## how much memory the plugin takes under attack for MINUTES (10)
	scripts/hostile.sh

sweepload: build ## what a sweep carries, and what waits for it, on a real server: ONLY, KEYS, ERASED, ROUNDS, PLUGIN
	scripts/sweepload.sh

isolation: ## build build/isolation, which tries on a live mount whether tenants are kept apart
	CGO_ENABLED=0 go build -trimpath -o build/isolation ./cmd/isolation

release: ## what is given out as VERSION, which has to be said, into build/release: see docs/release.md
	@scripts/release.sh "$(SAID)"

release-check: ## build that twice elsewhere, the second time from nothing, and compare every byte
	@scripts/release.sh -c "$(SAID)"

$(SBOM): scripts/tools/sbom/go.mod scripts/tools/sbom/go.sum
	CGO_ENABLED=0 go -C scripts/tools/sbom build -trimpath -buildvcs=false -o ../../../$@ \
		github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod

linter: $(LINTER) ## build the linter into build/tools
$(LINTER): scripts/tools/go.mod scripts/tools/go.sum
	go -C scripts/tools build -trimpath -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

lint: linter ## linters, that their configuration is loaded, and that files, lines and circles stay small
	scripts/lint.sh

dev: build ## a real server with two tenants, a tour (TOUR=all: no pauses), and what to try next (VAULT_PORT, 8200)
	@scripts/dev.sh

test: ## everything: unit, race, walls, lint, fuzz for a few seconds, acceptance, cluster
	scripts/test.sh

clean: ## remove what was built
	rm -rf build
