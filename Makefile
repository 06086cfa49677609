# Jelling: how it is built and checked. `make` alone lists the targets.
#
# Only `race` needs a C compiler, and only `lab` needs Linux with apt; see CONTRIBUTING.md.

PREFIX      ?= /usr/local
GO          ?= go
# One fuzz target's time, or a number of executions: 20s, 1000x.
FUZZTIME    ?= 20s
# Tests, benchmarks and lab cases to run, as a regular expression; PKG narrows test, race, fuzz and bench.
RUN         ?= .
PKG         ?= ./...
LAB_OUT     ?= dist/lab
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2

# A static binary; its version stamp needs a repository that git is willing to read.
BUILD = CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' \
	-buildvcs=$$(git rev-parse --verify -q HEAD >/dev/null 2>&1 && echo true || echo false)

.PHONY: help build test race lint fuzz bench lab cross install clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

build: ## bin/jelling, static, for this machine
	$(BUILD) -o bin/jelling ./cmd/jelling

test: ## all tests, in shuffled order; needs nothing but Go
	CGO_ENABLED=0 $(GO) test -shuffle=on -run '$(RUN)' $(PKG)

race: ## all tests under the race detector; needs a C compiler
	CGO_ENABLED=1 $(GO) test -race -shuffle=on -run '$(RUN)' $(PKG)

lint: ## formatting, vet on three systems, go fix, go mod tidy, staticcheck, imports and habits
	GO='$(GO)' STATICCHECK='$(STATICCHECK)' scripts/lint

fuzz: ## every fuzz target for FUZZTIME (20s) each
	GO='$(GO)' scripts/fuzz '$(FUZZTIME)' $(PKG)

bench: ## all benchmarks, with allocations, and the ratio to a bare loop
	CGO_ENABLED=0 $(GO) test -run '^$$' -bench '$(RUN)' -benchmem $(PKG)

lab: ## the tests that need a real kernel and BlueZ, in a virtual machine; captures go to LAB_OUT (dist/lab)
	GO='$(GO)' LAB_OUT='$(LAB_OUT)' test/lab/run '$(RUN)'

cross: ## dist/jelling-linux-* for the boards it is made for
	GOOS=linux GOARCH=amd64 $(BUILD) -o dist/jelling-linux-amd64 ./cmd/jelling
	GOOS=linux GOARCH=arm GOARM=6 $(BUILD) -o dist/jelling-linux-armv6 ./cmd/jelling
	GOOS=linux GOARCH=arm64 $(BUILD) -o dist/jelling-linux-arm64 ./cmd/jelling
	GOOS=linux GOARCH=riscv64 $(BUILD) -o dist/jelling-linux-riscv64 ./cmd/jelling
	GOOS=linux GOARCH=mipsle GOMIPS=softfloat $(BUILD) -o dist/jelling-linux-mipsle ./cmd/jelling

install: build ## bin/jelling to $(DESTDIR)$(PREFIX)/bin
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install -m 755 bin/jelling '$(DESTDIR)$(PREFIX)/bin/jelling'

clean: ## remove bin and dist
	rm -rf bin dist
