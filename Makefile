# dswatch: `make help` lists the targets.
SHELL := /bin/bash
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 10s
TESTFLAGS = -race -count=1 -timeout 12m -v
export CGO_ENABLED ?= 0

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/dswatch, one static binary
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/dswatch ./cmd/dswatch

.PHONY: release
release: ## build dist/: binaries, deb, rpm, tar.gz, zip, bills of materials, checksums; the same commit gives the same bytes
	@VERSION='$(VERSION)' deploy/package/release.sh

.PHONY: demo
demo: build ## watch a pretend agent of real processes break and recover, in under a minute
	bin/dswatch demo

.PHONY: test
test: tools vet-go ## install what the tests need, then run every test with the race detector
	@mkdir -p bin
	@# The acceptance tests watch the whole machine, so they run when no other
	@# package's tests start processes under the vendor's names.
	{ CGO_ENABLED=1 $(GO) test $(TESTFLAGS) $$($(GO) list ./... | grep -vx dswatch/test); \
	  CGO_ENABLED=1 $(GO) test $(TESTFLAGS) -parallel 8 ./test; } 2>&1 | tee bin/test.log | $(GO) run ./test/summary linux:

.PHONY: test-browser
test-browser: tools ## drive a real Chromium over the page in a browser; its pictures are in bin/screenshots
	@mkdir -p bin
	@set -o pipefail; cd test/browser && { test -z "$$(gofmt -l .)" && $(GO) vet . && $(GO) test -trimpath -count=1 -timeout 10m -v .; } 2>&1 | tee ../../bin/test-browser.log | (cd ../.. && $(GO) run ./test/summary browser:)

.PHONY: test-fresh
test-fresh: ## run the README's two commands in a new Debian root of their own; needs root, debootstrap and the network
	@test/fresh.sh

.PHONY: tools
tools: ## install with apt what the tests need, or say what to install
	@test/tools.sh

WINE_DIR ?= /opt/dswatch-wine
.PHONY: test-windows
test-windows: export GOOS = windows
test-windows: export GOARCH = amd64
test-windows: ## install Wine 10 below WINE_DIR, then run the Windows build's tests under it; needs root
	@test/wine/setup-wine10.sh $(WINE_DIR)
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/dswatch.exe ./cmd/dswatch
	@# The summary reads it here, not in the session: it is a program of this machine.
	@set -o pipefail; timeout -k 5 900 test/wine/winesession $(WINE_DIR) $(GO) test -count=1 -p 1 -timeout 10m -v \
	  -exec $(CURDIR)/test/wine/wexec ./detector/... ./test/wine/... 2>&1 | tee bin/test-windows.log | GOOS= GOARCH= $(GO) run ./test/summary windows, under Wine:

.PHONY: vet
vet: vet-go ## gofmt, go vet and errcheck for linux and for windows, staticcheck and deadcode; fetches those three
	$(GO) tool -modfile=tools/go.mod staticcheck -checks 'SA*,S1*,U1000' ./...
	@out=$$($(GO) tool -modfile=tools/go.mod deadcode -test ./...) && test -z "$$out" || { echo "deadcode: $$out"; exit 1; }

	@# In tests the error of an answer, a Close or a Kill shows in what the test sees.
	@errcheck="$$($(GO) tool -modfile=tools/go.mod -n errcheck) -ignoretests -exclude tools/errcheck.txt ./..." && \
	  $$errcheck && GOOS=windows $$errcheck

.PHONY: vet-go
vet-go:
	@out=$$(gofmt -l .); test -z "$$out" || { echo "gofmt would change: $$out"; exit 1; }
	$(GO) vet ./...
	GOOS=windows $(GO) vet ./...

.PHONY: vulns
vulns: ## ask the Go vulnerability database about what is called; a finding fails, a database out of reach is said
	@out=$$($(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./... 2>&1); rc=$$?; echo "$$out"; \
	if grep -q '^exit status 3$$' <<<"$$out"; then exit 3; elif [ $$rc != 0 ]; then echo "vulns: not looked up; docs/modules.md lists the modules by date"; fi

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (10s) and print how many inputs it was given
	@set -e; for f in $$(grep -rlE '^func Fuzz' --include='*_test.go' .); do \
	  for t in $$(grep -oE '^func Fuzz[A-Za-z0-9_]+' $$f | cut -c6-); do \
	    out=$$($(GO) test -run '^$$' -fuzz "^$$t$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$(dirname $$f) 2>&1) || { echo "$$out"; exit 1; }; \
	    n=$$(sed -n 's/.*execs: \([0-9]*\) .*/\1/p' <<<"$$out" | tail -1); \
	    test -n "$$n" || { echo "$$out"; echo "$$(dirname $$f) $$t ran no input"; exit 1; }; \
	    echo "$$(dirname $$f) $$t: $$n inputs"; \
	  done; done

.PHONY: bench
bench: ## print the figures of docs/performance.md
	$(GO) test -p 1 -run '^$$' -bench . -benchmem ./detector/process ./detector/port ./rules ./engine ./bus ./sinks/... ./app

.PHONY: soak
soak: ## the long forms of the crash and model tests, an hour or more; their short forms run with -race in make test
	DSWATCH_SOAK=1 $(GO) test -count=1 -timeout 4h -v -run 'Crash|Packages|Pairs|Soak|Every|Model|Gathers|KillNine|Receipts|Story|Swaps|Restarts|Estate|ManyHosts|Agrees|Listing|OneFact|Endless' ./...

.PHONY: mutants
mutants: ## put 300 small faults in, one at a time, and see that the tests notice; two hours, MUTANTS="-n 30 -in ./sinks" for less
	nice -n 15 $(GO) run ./test/mutants $(MUTANTS)

.PHONY: faults
faults: ## break store, connection and host at least ten times each under the running program, and an hour with 20,000 processes; needs root, two hours
	DSWATCH_FAULTS=$${DSWATCH_FAULTS:-10} DSWATCH_SOAK_PROCESSES=$${DSWATCH_SOAK_PROCESSES:-20000} $(GO) test -count=1 -timeout 6h -v ./test/faults ./bus -run 'Fault|Damage|Deleted|Refused|Quorum|Removed|Renamed|Closed'

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist
