# SPDX-License-Identifier: Apache-2.0
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --warn-undefined-variables

PREFIX ?= /usr/local
DESTDIR ?=
LONG ?=
FUZZTIME ?= 10s
RUNS ?= 5000
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PLUGINS := $(notdir $(wildcard plugins/*))
export CGO_ENABLED := 0
LDFLAGS := -s -w -X github.com/nsrun/nsrun/internal/version.Version=$(VERSION)
GO_BUILD := go build -trimpath -ldflags "$(LDFLAGS)"
# Where nsrun begins: internal/inherit/entry_amd64.go.
ENTRY := $(if $(filter amd64,$(shell go env GOARCH)),-E github.com/nsrun/nsrun/internal/inherit.entry)

build: ## Build nsrun, nsctl, the plugins and the CNI plugins into bin/ (the default)
	$(GO_BUILD) -ldflags "./cmd/nsrun=$(LDFLAGS) $(ENTRY)" -o bin/ ./cmd/...
	for p in $(PLUGINS); do $(GO_BUILD) -o bin/plugins/nsrun-plugin-$$p ./plugins/$$p; done
	scripts/build-cni bin/cni

demo: setup build ## Build everything and walk through it, namespace by namespace
	scripts/demo

setup: ## Install the Debian packages that the demo and the tests need
	scripts/setup

test: setup build ## Run all tests, as root and as an ordinary user
	scripts/test

test-long: setup build ## Run the tests that take large numbers and many minutes
	NSRUN_TEST_LONG=1 go test -p 1 -count=1 -timeout 60m ./e2e ./internal/chaos -run 'TestCrowd|TestPowerCut|TestNothingGrows'

test-vm: setup build ## Run the tests of control groups on Debian's own kernel with cgroup v2, in a virtual machine
	go test -c -o bin/test/ ./plugins/cgroup ./e2e
	NSRUN_TEST_MUST_WORK=1 scripts/vm sh -ec 'cd plugins/cgroup; ../../bin/test/cgroup.test; cd ../../e2e; ../bin/test/e2e.test -test.run TestScripts/cgroup'

race: setup build ## Run the tests of what runs in parallel under the race detector, and those of a child linked with a C library
	scripts/setup race
	CGO_ENABLED=1 go test -tags libc -count=1 -timeout 5m -skip TestTheInitKeepsNothingOfTheFront ./core/stage
	CGO_ENABLED=1 go test -race -p 1 -count=1 ./core/{cache,host,hostproc,journal,trace} ./internal/wire ./nsplugin ./plugins/nested

lint: ## Vet, staticcheck, known vulnerabilities, and the rules of this project
	scripts/lint

generate: ## Generate code from the protocol
	scripts/generate

chaos: setup build ## Kill runs in every way and print what they leave; LONG=--long for about 10,000 kills
	scripts/chaos $(LONG)

soak: setup build ## Run 20,000 runs, RUNS on each of four kinds of network, and print what grew
	scripts/chaos -soak $(RUNS)

at-rest: setup build ## Keep 200 sandboxes alive for an hour and print what they take
	scripts/chaos -rest 1h

fuzz: ## Fuzz all that reads what others wrote; FUZZTIME=5m each
	scripts/fuzz $(FUZZTIME)

bench: build ## Time nsrun beside unshare, bubblewrap, runc, podman and pasta
	scripts/bench

bench-guard: setup build ## Fail if a start takes 10% longer than at the parent commit
	scripts/bench-guard

install: build ## Install below PREFIX (and DESTDIR)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/nsrun/{plugins,cni}
	install bin/nsrun bin/nsctl $(DESTDIR)$(PREFIX)/bin/
	install bin/nsrun-host $(DESTDIR)$(PREFIX)/libexec/nsrun/
	install bin/plugins/* $(DESTDIR)$(PREFIX)/libexec/nsrun/plugins/
	install bin/cni/* $(DESTDIR)$(PREFIX)/libexec/nsrun/cni/
	scripts/install-sdk $(DESTDIR)$(PREFIX)/share/nsrun/sdk
	scripts/install-docs $(DESTDIR)$(PREFIX)

man: build ## Write the manual pages into bin/man
	bin/nsctl man bin/man

clean: ## Remove what was built
	rm -rf bin

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

.PHONY: test-vm race build demo setup test test-long lint generate bench bench-guard install clean help chaos soak at-rest fuzz man
