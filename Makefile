# Two commands matter: `make run` (starts everything with a live demo) and `make test` (installs what tests need, and
# runs all of them). The others are their parts.
GO      ?= go
BIN     := bin
CORRIDOR := $(BIN)/corridor
ADDR    ?= 127.0.0.1:8080
DATA    ?= data/demo
LINT_VERSION := v2.15.0
LINT    := $(BIN)/golangci-lint-$(LINT_VERSION)
UI      := web/ui
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME ?= 3s
SOAK    ?= 15m

.PHONY: run build test test-go test-ui e2e fuzz bench bench-tracker bench-viewers soak lint fmt footprint vulncheck geodata ui dist-fresh install clean

run: build ## build, start the demo on the embedded default, print its URL and how to sign in
	$(CORRIDOR) serve --demo --addr $(ADDR) --data $(DATA)

build: ## bin/corridor; needs Go and gcc only
	$(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o $(CORRIDOR) ./cmd/corridor

test: install lint test-go fuzz test-ui dist-fresh e2e ## everything CI runs

install: ## Debian and npm packages the tests need
	.ci/install
	cd $(UI) && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error

test-go: ## vet, and every Go test under the race detector, on a real PostgreSQL
	$(GO) vet ./...
	.ci/with-postgres $(GO) test -race -timeout 15m ./...
	$(GO) test ./geodata/network ./geodata/network/sea ./routing/search ./routing/ecommerce # what they leave out under the race detector
	$(GO) test ./cmd/corridor -run Footprint # the same

fuzz: ## every fuzz target for FUZZTIME
	.ci/fuzz $(FUZZTIME)

test-ui: ## types, messages and units of the UI
	cd $(UI) && npm run check && npm test

ui: ## rebuild web/dist
	cd $(UI) && npm run build

dist-fresh: ui ## the committed UI is what its sources build
	@git status --porcelain -- web/dist | (! grep .) || { echo "web/dist is stale: commit what 'make ui' built" >&2; exit 1; }

e2e: build ## the journey in a real Chromium
	cd $(UI) && CORRIDOR_BIN=$(CURDIR)/$(CORRIDOR) npm run e2e

bench-sea: ## the sea network beside PyPI searoute and scgraph: errors against published distances, and speed
	$(GO) run ./geodata/network/sea/compare

bench: ## benchmarks beside the code, a package at a time; compare with benchstat
	.ci/with-postgres $(GO) test -p 1 -timeout 2h -run '^$$' -bench . -benchmem ./...

bench-tracker: ## every figure of the tracker with its raw baseline beside it, in one run; a quarter of an hour, on a quiet machine
	.ci/with-postgres $(GO) test -p 1 -run '^$$' -bench 'Insert|Track|Year|Near|Load' -benchtime 10x -timeout 1h ./tracking/store/...
	$(GO) test -p 1 -run '^$$' -bench 'Append|Fold|Units|Snapshot|Restart|FanOut|Index|Cell$$' ./tracking/poslog ./tracking ./tracking/live ./tracking/fence
	$(GO) test ./cmd/corridor -run '^$$' -bench Ingest -benchtime 5s -timeout 30m
	$(MAKE) bench-viewers

bench-viewers: ## a whole server under thousands of viewers, beside bare gorilla; minutes, on a quiet machine
	$(GO) test ./cmd/corridor -run '^$$' -bench 'Viewer|PostToScreen|Reconnect' -benchtime 1x -timeout 20m

soak: ## a whole server under load for SOAK, its memory and goroutines flat
	CORRIDOR_SOAK=$(SOAK) $(GO) test ./cmd/corridor -run '^TestSoak$$' -v -timeout 2h

$(LINT):
	GOBIN=$(CURDIR)/$(BIN) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv $(BIN)/golangci-lint $@

lint: $(LINT) ## golangci-lint with the linters of .golangci.yml, gofumpt among them
	$(LINT) run ./...

fmt: $(LINT) ## gofumpt
	$(LINT) fmt ./...

footprint: ## size of the embedded data, time until ready, memory in use; on a quiet machine
	.ci/footprint

vulncheck: ## apart, since its database is not reachable everywhere
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

geodata: ## rebuild the embedded data from pinned packages, byte for byte; each step is compiled with what those before embedded
	$(GO) run ./cmd/geodata area borders
	$(GO) run ./cmd/geodata places
	$(GO) run ./cmd/geodata land sea sea-lands
	$(GO) run ./cmd/geodata harbours
	$(GO) run ./cmd/geodata tiles

clean:
	rm -rf $(BIN) data $(UI)/node_modules
